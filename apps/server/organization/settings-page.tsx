import { Injectable } from '@nestjs/common';
import { OrganizationRepository } from '#accounts';
import { Configuration, PublicError } from '#platform';
import { Csrf, FactorRepository, SecondFactorRuleRepository, SessionLimitsRepository } from '#sessions';
import { Pages } from '../pages/pages.js';
import { frameOf, type Frame } from './frame.js';
import type { Visit } from './organization-route.js';
import { SettingsView, type TypedSettings } from './settings.view.js';

/** The page on which everything about an organization is set. */
@Injectable()
export class SettingsPage {
  constructor(
    private readonly organizations: OrganizationRepository,
    private readonly rules: SecondFactorRuleRepository,
    private readonly limits: SessionLimitsRepository,
    private readonly factors: FactorRepository,
    private readonly configuration: Configuration,
    private readonly csrf: Csrf,
    private readonly pages: Pages,
  ) {}

  /** @throws PublicError 404 `unknown_organization` */
  async send(
    visit: Visit,
    said: Pick<Frame, 'done' | 'problem'>,
    typed?: TypedSettings,
    status = 200,
  ): Promise<void> {
    const { id } = visit.organization;
    const details = await this.organizations.find(id);
    const rule = await this.rules.of(id);
    const limits = await this.limits.of(id);
    if (!details || !rule || !limits)
      throw new PublicError(404, 'unknown_organization', 'There is no such organization any more.');
    const view = (
      <SettingsView
        frame={frameOf(visit, this.csrf, said)}
        details={details}
        security={{
          rule,
          limits,
          ownFactor: await this.factors.hasSecondFactor(visit.session.userId),
          deployment: this.configuration,
        }}
        graceDays={this.configuration.deletionGraceDays}
        typed={typed}
      />
    );
    this.pages.send(visit.reply, view, { status });
  }
}
