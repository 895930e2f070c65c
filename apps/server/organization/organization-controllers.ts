import { AcceptInvitationController } from './accept-invitation.controller.js';
import { OrganizationInvitationsController } from './invitations.controller.js';
import { OrganizationOverviewController } from './overview.controller.js';
import { OrganizationPeopleController } from './people.controller.js';
import { OrganizationRolesController } from './roles.controller.js';
import { OrganizationSecurityController } from './security.controller.js';
import { OrganizationSettingsController } from './settings.controller.js';

/** The pages of an organization, in the order of their reference. */
export const ORGANIZATION_CONTROLLERS = [
  OrganizationOverviewController,
  OrganizationPeopleController,
  OrganizationInvitationsController,
  OrganizationRolesController,
  OrganizationSettingsController,
  OrganizationSecurityController,
  AcceptInvitationController,
];
