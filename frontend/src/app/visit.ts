/**
 * Whether somebody signed in here before, so that a first visitor is not asked about a session that cannot be there.
 * A hint only: the cookie decides, and the script cannot read it.
 */
const KEY = 'tidegate.visited';

export function rememberVisit(): void {
  try {
    window.localStorage.setItem(KEY, '1');
  } catch {
    // Storage may be closed; then the server is asked each time.
  }
}

export function forgetVisit(): void {
  try {
    window.localStorage.removeItem(KEY);
  } catch {
    // Nothing was remembered.
  }
}

export function mayBeSignedIn(): boolean {
  try {
    return window.localStorage.getItem(KEY) !== null;
  } catch {
    return true;
  }
}
