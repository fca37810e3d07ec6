import type { ReactNode } from 'react';

/** Line drawings on a 20-unit grid. Decorative always: the word beside them carries the meaning. */
function Icon({ size = 20, children }: { size?: number | undefined; children: ReactNode }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.8}
      aria-hidden="true"
      focusable="false"
    >
      {children}
    </svg>
  );
}

type Size = { size?: number };

export const TickIcon = ({ size }: Size) => (
  <Icon size={size}>
    <path d="M4 10.5l4 4 8-9" />
  </Icon>
);
export const CopyIcon = ({ size }: Size) => (
  <Icon size={size}>
    <rect x="7" y="7" width="10" height="10" rx="1" />
    <path d="M13 7V3H3v10h4" />
  </Icon>
);
export const PasteIcon = ({ size }: Size) => (
  <Icon size={size}>
    <path d="M7 4H4v13h12V4h-3" />
    <path d="M7 2.5h6v3.5H7zM10 9v5m-2.2-2L10 14.2 12.2 12" />
  </Icon>
);
export const ChevronIcon = ({ size }: Size) => (
  <Icon size={size}>
    <path d="M4.5 7.5l5.5 5.5 5.5-5.5" />
  </Icon>
);
export const OctagonIcon = ({ size }: Size) => (
  <Icon size={size}>
    <path d="M6.7 2h6.6L18 6.7v6.6L13.3 18H6.7L2 13.3V6.7z" />
    <path d="M10 6v5M10 13.2v1.6" />
  </Icon>
);
export const WaitIcon = ({ size }: Size) => (
  <Icon size={size}>
    <circle cx="10" cy="10" r="7.5" />
    <path d="M10 5.5V10l3 2" />
  </Icon>
);
export const MoveIcon = ({ size }: Size) => (
  <Icon size={size}>
    <path d="M2.5 10h14M11.5 5l5 5-5 5" />
  </Icon>
);
export const BackIcon = ({ size }: Size) => (
  <Icon size={size}>
    <path d="M17.5 10h-14M8.5 5l-5 5 5 5" />
  </Icon>
);
export const CrossIcon = ({ size }: Size) => (
  <Icon size={size}>
    <path d="M5 5l10 10M15 5L5 15" />
  </Icon>
);
export const SaveIcon = ({ size }: Size) => (
  <Icon size={size}>
    <path d="M10 3v10M5.5 9L10 13.5 14.5 9M3 17h14" />
  </Icon>
);
export const SwapIcon = ({ size }: Size) => (
  <Icon size={size}>
    <path d="M6 3v13M2.5 12.5L6 16l3.5-3.5M14 17V4M10.5 7.5L14 4l3.5 3.5" />
  </Icon>
);
export const MenuIcon = ({ size }: Size) => (
  <Icon size={size}>
    <path d="M3 5.5h14M3 10h14M3 14.5h14" />
  </Icon>
);
