/** A network or an exchange as people write it: both are proper names. */
export const placeName = (key: string) => key.charAt(0).toUpperCase() + key.slice(1);
