import { Body, Controller, Delete, Header, Headers, HttpCode, Param, Post } from '@nestjs/common';
import { CurrentClient, PublicError } from '#platform';
import { HELD_LEASE, LEASE_REFUSALS, PROBLEMS, WANTED_LEASE } from '../module-answers.js';
import { ForModules } from '../module-route.js';
import { leaseName, parseLeaseBody, parseLeaseName, type LeaseName } from './lease-request.js';
import { SeatLeaseRepository, superseded, type Lease } from './lease.repository.js';

/** What this room needs to know of an authenticated client. */
interface ModuleClient {
  readonly id: string;
  readonly moduleKey: string | null;
}

/** Floating seats of the calling client's module. Errors are problem details (RFC 9457) with the decision's code. */
@Controller('v1/leases')
export class LeaseController {
  constructor(private readonly leases: SeatLeaseRepository) {}

  /** Takes a floating seat for a person at a device, or holds the one that they have there for one more term. */
  @Post()
  @HttpCode(200)
  @ForModules({
    summary: 'Take a floating seat, or hold the one that is had',
    takes: WANTED_LEASE,
    answer: HELD_LEASE,
    refusals: LEASE_REFUSALS,
  })
  @Header('cache-control', 'no-store')
  async hold(
    @Body() body: unknown,
    @CurrentClient() client: ModuleClient,
    @Headers('content-type') type: string | undefined,
  ): Promise<object> {
    const module = moduleOf(client);
    if (!/^application\/json *(;|$)/i.test(type ?? '')) {
      throw new PublicError(400, 'invalid_lease', 'What is leased must be sent as application/json.');
    }
    const wanted = parseLeaseBody(body);
    return toJson(wanted.licenseId, await this.leases.holdLease({ ...wanted, module }, client.id));
  }

  @Post(':id/heartbeat')
  @HttpCode(200)
  @ForModules({
    summary: 'Hold a floating seat for one more term',
    answer: HELD_LEASE,
    refusals: LEASE_REFUSALS,
  })
  @Header('cache-control', 'no-store')
  async heartbeat(@Param('id') id: string, @CurrentClient() client: ModuleClient): Promise<object> {
    const module = moduleOf(client);
    const name = requireName(id);
    return toJson(name.licenseId, await this.leases.heartbeatNamed(name, module));
  }

  /** Nothing is said of whether this call did it: a lease that has gone otherwise is gone. */
  @Delete(':id')
  @HttpCode(204)
  @ForModules({ summary: 'Give a floating seat back', refusals: PROBLEMS })
  @Header('cache-control', 'no-store')
  async release(@Param('id') id: string, @CurrentClient() client: ModuleClient): Promise<void> {
    const module = moduleOf(client);
    const name = parseLeaseName(id);
    if (name) await this.leases.releaseNamed(name, module, client.id);
  }
}

function moduleOf({ moduleKey }: ModuleClient): string {
  if (moduleKey !== null) return moduleKey;
  throw new PublicError(403, 'access_denied', 'Only the clients of modules may lease seats.');
}

function requireName(id: string): LeaseName {
  const name = parseLeaseName(id);
  if (!name) throw superseded();
  return name;
}

function toJson(licenseId: string, { fence, expiresAt, seconds, heartbeatSeconds }: Lease) {
  return {
    id: leaseName({ licenseId, fence }),
    license_id: licenseId,
    fence,
    expires_at: expiresAt.toISOString(),
    expires_in: seconds,
    heartbeat_in: heartbeatSeconds,
  };
}
