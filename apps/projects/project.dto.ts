import { Transform } from 'class-transformer';
import { Allow, IsIn, IsInt, IsOptional, IsString, IsUUID, Length, Matches, Max, Min } from 'class-validator';
import { PROJECT_STATUSES, type ProjectStatus } from './project.js';

const trimmed = ({ value }: { value: unknown }): unknown =>
  typeof value === 'string' ? value.trim() : value;

/** Letters, digits, punctuation and symbols, save those that show nothing: fillers, and the blank of braille. */
const VISIBLE = /^$|(?!\p{Default_Ignorable_Code_Point}|\u2800)[\p{L}\p{N}\p{P}\p{S}]/u;

/**
 * No format characters (bidirectional controls make a name read as another one), no halves of a surrogate pair. The
 * two joiners are part of some scripts and of emoji, between characters and only there.
 */
const NO_INVISIBLE = /^(?:[^\p{Cf}\p{Cs}]|(?<=[^\p{Z}\p{C}])[\u200c\u200d](?=[^\p{Z}\p{C}]))*$/u;

/** Body of `POST /api/projects`, and of the page's form. */
export class CreateProject {
  @Transform(trimmed)
  @IsString({ message: 'The name must be text' })
  @Length(1, 120, { message: 'The name must have 1 to 120 characters' })
  @Matches(VISIBLE, { message: 'The name must have a character that can be seen' })
  @Matches(NO_INVISIBLE, {
    message: 'The name must not contain characters that are invisible or turn the text',
  })
  @Matches(/^\P{Cc}*$/u, { message: 'The name must not contain control characters' })
  name!: string;

  @IsOptional()
  @IsIn(PROJECT_STATUSES, { message: `The status must be one of ${PROJECT_STATUSES.join(', ')}` })
  status?: ProjectStatus;
}

/** Body of the form that changes a project's status. */
export class ChangeStatus {
  @IsIn(PROJECT_STATUSES, { message: `The status must be one of ${PROJECT_STATUSES.join(', ')}` })
  status!: ProjectStatus;

  /** The organization that the form was shown for; see `requireShownOrganization`. */
  @Allow()
  organization_id?: unknown;
}

/** Query of a list. */
export class ListProjects {
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? Number(value) : value))
  @IsInt({ message: 'limit must be a whole number' })
  @Min(1, { message: 'limit must be at least 1' })
  @Max(200, { message: 'limit must be at most 200' })
  limit?: number;

  @IsOptional()
  @IsUUID(undefined, { message: 'after must be the id of a project' })
  after?: string;
}
