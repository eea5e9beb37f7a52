/** AlwaysAdmit: does nothing; there because configurations name it. @see plugin/pkg/admission/admit/admission.go */
import type { AdmissionPlugin } from './plugin.ts';

export const alwaysAdmit: AdmissionPlugin = {
  name: 'AlwaysAdmit',
  isOffByDefault: true,
  handles: () => false,
};
