/**
 * The one list of all kinds that upstream 1.36 serves by default. The core group comes first; the others follow in the order
 * of their priority, which is the order in which discovery names them. Who only needs to know what there is reads this list,
 * and does not load a validation.
 */

import { admissionregistrationKinds } from './admissionregistration.ts';
import { apiextensionsKinds } from './apiextensions.ts';
import { apiregistrationKinds } from './apiregistration.ts';
import { appsKinds } from './apps.ts';
import { authenticationKinds } from './authentication.ts';
import { authorizationKinds } from './authorization.ts';
import { autoscalingKinds } from './autoscaling.ts';
import { batchKinds } from './batch.ts';
import { certificatesKinds } from './certificates.ts';
import { coordinationKinds } from './coordination.ts';
import { coreKinds } from './core.ts';
import { discoveryKinds } from './discovery.ts';
import { eventsKinds } from './events.ts';
import { flowcontrolKinds } from './flowcontrol.ts';
import { networkingKinds } from './networking.ts';
import { nodeKinds } from './node.ts';
import { policyKinds } from './policy.ts';
import { rbacKinds } from './rbac.ts';
import { resourceKinds } from './resource.ts';
import { schedulingKinds } from './scheduling.ts';
import { storageKinds } from './storage.ts';
import type { KindDefinition } from './types.ts';

/** Every built-in kind in every served version. */
export const builtinRows: readonly KindDefinition[] = [
  ...coreKinds,
  ...apiregistrationKinds,
  ...appsKinds,
  ...eventsKinds,
  ...authenticationKinds,
  ...authorizationKinds,
  ...autoscalingKinds,
  ...batchKinds,
  ...certificatesKinds,
  ...networkingKinds,
  ...policyKinds,
  ...rbacKinds,
  ...storageKinds,
  ...admissionregistrationKinds,
  ...apiextensionsKinds,
  ...schedulingKinds,
  ...coordinationKinds,
  ...nodeKinds,
  ...discoveryKinds,
  ...resourceKinds,
  ...flowcontrolKinds,
];
