/**
 * AlwaysPullImages: every image is pulled at every start, so that private images are only for those who have the credentials.
 * @see plugin/pkg/admission/alwayspullimages/admission.go
 */
import { type ApiObject, fieldErrors, fieldErrorText } from '../../../src/api/index.ts';
import { type AdmissionPlugin, refusal } from './plugin.ts';

interface Container {
  image?: string;
  imagePullPolicy?: string;
}

interface PodSpec {
  containers?: Container[];
  initContainers?: Container[];
  ephemeralContainers?: Container[];
  volumes?: { image?: { reference?: string; pullPolicy?: string } }[];
}

const LISTS = ['initContainers', 'containers', 'ephemeralContainers'] as const;

export const alwaysPullImages: AdmissionPlugin = {
  name: 'AlwaysPullImages',
  isOffByDefault: true,
  handles: (kind, operation, subresource) =>
    kind.storagePrefix === '/registry/pods' && subresource === '' && (operation === 'CREATE' || operation === 'UPDATE'),
  mutate({ object, previous }) {
    if (object === undefined || !namesNewImage(object, previous)) return;
    const spec = specOf(object);
    for (const list of LISTS) for (const container of spec[list] ?? []) container.imagePullPolicy = 'Always';
    for (const { image } of spec.volumes ?? []) if (image?.reference !== undefined) image.pullPolicy = 'Always';
  },
  validate(attributes) {
    const { object, previous } = attributes;
    if (object === undefined || !namesNewImage(object, previous)) return;
    const spec = specOf(object);
    const errors = LISTS.flatMap((list) =>
      (spec[list] ?? []).flatMap(({ imagePullPolicy = '' }, index) =>
        imagePullPolicy === 'Always'
          ? []
          : [fieldErrors.notSupported(`spec.${list}[${index}].imagePullPolicy`, imagePullPolicy, ['Always'])],
      ),
    );
    if (errors.length === 0) return;
    const texts = errors.map(fieldErrorText);
    throw refusal(attributes, texts.length === 1 ? (texts[0] as string) : `[${texts.join(', ')}]`);
  },
};

function specOf(object: ApiObject): PodSpec {
  return (object['spec'] ?? {}) as PodSpec;
}

/** Updates that bring no new image are not the plugin's business. */
function namesNewImage(object: ApiObject, previous: ApiObject | undefined): boolean {
  if (previous === undefined) return true;
  const before = new Set(LISTS.flatMap((list) => (specOf(previous)[list] ?? []).map(({ image }) => image)));
  return LISTS.some((list) => (specOf(object)[list] ?? []).some(({ image }) => !before.has(image)));
}
