import 'react';

declare module 'react' {
  interface CSSProperties {
    /** Custom properties, set through the CSSOM (the content policy forbids style attributes in markup). */
    [name: `--${string}`]: string | number | undefined;
  }
}
