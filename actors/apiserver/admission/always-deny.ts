/** AlwaysDeny: refuses every write. @see plugin/pkg/admission/deny/admission.go */
import { type AdmissionPlugin, refusal } from './plugin.ts';

export const alwaysDeny: AdmissionPlugin = {
  name: 'AlwaysDeny',
  isOffByDefault: true,
  handles: () => true,
  mutate(attributes) {
    throw refusal(attributes, 'admission control is denying all modifications');
  },
};
