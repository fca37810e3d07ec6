import { useMemo } from 'react';
import { renderSVG } from 'uqr';
import css from './Qr.module.css';

/** A QR code, always dark on white: readers need it so in the dark scheme too. */
export function Qr({ text, label, size = 236 }: { text: string; label: string; size?: number }) {
  const source = useMemo(() => {
    const svg = renderSVG(text, { border: 0, whiteColor: '#FFFFFF', blackColor: '#0C262F' });
    return `data:image/svg+xml;utf8,${encodeURIComponent(svg)}`;
  }, [text]);
  return (
    <div className={css.frame}>
      <img src={source} alt={label} width={size} height={size} />
    </div>
  );
}
