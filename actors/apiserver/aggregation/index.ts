/** Aggregation: other servers' group versions behind this one. Started once at the start of the server. */
import type { Server } from '../server.ts';
import { Availability } from './availability.ts';
import { Registration } from './registration.ts';

export { ApiServices } from './api-services.ts';

export function startAggregation(server: Server): void {
  server.aggregation.start(server);
  new Availability(server, server.aggregation).start();
  new Registration(server).start();
}
