/**
 * Which fields of the built-in types keep a zero value when an object is stored.
 */
export const fieldPresence = `
`;
/** Fields that are accepted although the published schemas leave them out: `definition field:type code`. */
export const extraFields = `
`;
