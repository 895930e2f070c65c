import { Controller, Get, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AccountRepository, AdministratorRepository } from '#accounts';
import { mayAdminister } from '#licensing';
import { InvalidToken, IssuancePolicy, ModuleDirectory, type LiveToken, type Module } from '#oauth';
import { CurrentSession, CurrentToken, RequireScope, RequireSession } from '#platform';
import { Csrf, type Session } from '#sessions';
import { LauncherView } from './launcher.view.js';
import { Contacts } from './contacts.js';
import { Pages } from './pages.js';

interface LauncherLinks {
  readonly organization: { readonly id: string; readonly key: string; readonly name: string };
  readonly modules: readonly {
    readonly key: string;
    readonly name: string;
    readonly url: string;
    readonly licensed: boolean;
  }[];
}

@Controller()
export class LauncherController {
  constructor(
    private readonly modules: ModuleDirectory,
    private readonly issuance: IssuancePolicy,
    private readonly accounts: AccountRepository,
    private readonly administrators: AdministratorRepository,
    private readonly contacts: Contacts,
    private readonly csrf: Csrf,
    private readonly pages: Pages,
  ) {}

  @Get()
  @RequireSession()
  async show(
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { organization, userId } = session;
    if (!organization) {
      reply.redirect('/choose-organization', 303);
      return;
    }
    const modules = await this.modulesFor(organization, userId);
    const view = (
      <LauncherView
        csrfToken={this.csrf.token(request, reply)}
        person={session}
        organization={organization}
        hasOtherOrganizations={(await this.accounts.membershipsOf(userId)).length > 1}
        modules={modules.map(({ module, code, licenseId }) => ({
          key: module.key,
          name: module.name,
          url: `${module.baseUrl}/auth/sign-in`,
          licensed: code === undefined,
          code,
          licenseId,
        }))}
        contacts={await this.contacts.of(organization.id)}
        administers={await this.contacts.administers(organization.id, userId)}
        administersLicenses={mayAdminister(
          'licenses:read',
          await this.administrators.find(userId),
          organization.id,
        )}
        signedInAt={session.authTime}
      />
    );
    this.pages.send(reply, view);
  }

  /** For the navigation of a module: where else this person's organization may go. */
  @Get('v1/launcher')
  @RequireScope('openid')
  async links(@CurrentToken() { claims }: LiveToken): Promise<LauncherLinks> {
    const organization =
      claims.organization_id === undefined
        ? undefined
        : await this.accounts.organizationById(claims.organization_id);
    if (!organization) throw new InvalidToken('no organization');
    const modules = await this.modulesFor(organization, claims.sub);
    return {
      organization: { id: organization.id, key: organization.key, name: organization.name },
      modules: modules.map(({ module, code }) => ({
        key: module.key,
        name: module.name,
        url: module.baseUrl,
        licensed: code === undefined,
      })),
    };
  }

  /** Every module, with the code of the refusal where there is one. */
  private async modulesFor(
    organization: { readonly id: string; readonly licenseVersion?: number },
    userId: string,
  ): Promise<{ module: Module; code: string | undefined; licenseId: string | null }[]> {
    const modules = [...(await this.modules.all()).values()];
    return Promise.all(
      modules.map(async (module) => {
        const refusal = await this.issuance.prospect([module], organization, userId);
        return { module, code: refusal?.decision.code, licenseId: refusal?.decision.licenseId ?? null };
      }),
    );
  }
}
