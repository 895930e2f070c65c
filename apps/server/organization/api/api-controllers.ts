import { AcceptanceApiController } from './acceptance-api.controller.js';
import { InvitationsApiController } from './invitations-api.controller.js';
import { OrganizationsApiController } from './organizations-api.controller.js';
import { PeopleApiController } from './people-api.controller.js';
import { RolesApiController } from './roles-api.controller.js';
import { SecurityApiController } from './security-api.controller.js';

/** The API of organizations, in the order of its reference. */
export const ORGANIZATION_API_CONTROLLERS = [
  OrganizationsApiController,
  PeopleApiController,
  InvitationsApiController,
  AcceptanceApiController,
  RolesApiController,
  SecurityApiController,
];
