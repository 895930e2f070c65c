import { Transform } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, IsUUID, Length, Matches, Max, Min } from 'class-validator';
import { PROJECT_STATUSES, type ProjectStatus } from './project.js';

const trimmed = ({ value }: { value: unknown }): unknown =>
  typeof value === 'string' ? value.trim() : value;

/** Body of `POST /api/projects`, and of the page's form. */
export class CreateProject {
  @Transform(trimmed)
  @IsString({ message: 'The name must be text' })
  @Length(1, 120, { message: 'The name must have 1 to 120 characters' })
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
