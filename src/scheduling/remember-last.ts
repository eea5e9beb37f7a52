/**
 * Remembers what was made of the object that was asked about last. Replicas come one after the other and share parts of what they
 * were decoded to, such as tolerations: what follows from a part alone is then found out once. Holds one object and one answer.
 */

/** `make` must look at nothing but the object, and whoever gets the answer must not change it. */
export function rememberLast<Key extends object, Value>(make: (key: Key) => Value): (key: Key) => Value {
  let known: { readonly key: Key; readonly value: Value } | undefined;
  return (key) => {
    if (known?.key !== key) known = { key, value: make(key) };
    return known.value;
  };
}
