import { VisuallyHidden } from '@mantine/core';
import css from './Address.module.css';

/** "0x5290…" → ["0x", ["5290", …]]; other networks have no prefix that stands apart. */
export function groupsOf(address: string): { prefix: string; groups: string[] } {
  const prefix = /^0x/i.test(address) ? address.slice(0, 2) : '';
  return { prefix, groups: address.slice(prefix.length).match(/.{1,4}/gu) ?? [] };
}

/** Read aloud group by group, so that it can be compared by ear. */
export function spelled(address: string): string {
  const { prefix, groups } = groupsOf(address);
  return [prefix, ...groups].filter(Boolean).join(' ');
}

interface Props {
  address: string;
  /** Groups a line, where there is room for them. */
  perLine?: 4 | 5 | 10 | 12;
  size?: 'normal' | 'large';
}

/** The whole address in groups of four, every second one heavier. Never shortened. Selecting it copies the raw string. */
export function Address({ address, perLine = 10, size = 'normal' }: Props) {
  const { prefix, groups } = groupsOf(address);
  let offset = 0;
  return (
    <span className={css.address} data-size={size} data-per-line={perLine} data-address={address}>
      <span aria-hidden="true" className={css.lines} dir="ltr">
        {prefix && <span className={css.prefix}>{prefix}</span>}
        <span className={css.groups} style={{ '--per-line': perLine }}>
          {groups.map((group, index) => {
            offset += 4;
            return (
              <span key={offset} className={index % 2 ? css.heavy : css.group}>
                {group}
              </span>
            );
          })}
        </span>
      </span>
      <VisuallyHidden>{spelled(address)}</VisuallyHidden>
    </span>
  );
}

/** A transaction id may be shortened: nothing is decided by it. */
export function ShortId({ id }: { id: string }) {
  const bare = id.replace(/^0x/, '');
  return (
    <span className={css.short} dir="ltr">
      {bare.slice(0, 4)} {bare.slice(4, 8)} … {bare.slice(-8, -4)} {bare.slice(-4)}
    </span>
  );
}
