import { VisuallyHidden } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { groupsOf, spelled } from './Address';
import css from './Compare.module.css';

/** Group by group: does it differ? Where one address is longer, what it has more differs. */
export function differing(one: string, other: string): boolean[] {
  const a = groupsOf(one).groups;
  const b = groupsOf(other).groups;
  return Array.from({ length: Math.max(a.length, b.length) }, (_, at) => a[at] !== b[at]);
}

/** How many characters stand differently, the prefix left out. */
export function charactersApart(one: string, other: string): { differ: number; of: number } {
  const a = groupsOf(one).groups.join('');
  const b = groupsOf(other).groups.join('');
  const of = Math.max(a.length, b.length);
  return { differ: Array.from({ length: of }, (_, at) => a[at] !== b[at]).filter(Boolean).length, of };
}

export interface Line {
  name: string;
  note: string;
  address: string;
}

/** Two whole addresses, group over group; those that differ carry colour, weight and an underline. */
export function Compare({ known, pasted }: { known: Line; pasted: Line }) {
  const { t } = useTranslation('ui');
  const apart = differing(known.address, pasted.address);
  return (
    <dl className={css.compare} data-compare>
      {[known, pasted].map((line) => {
        const { prefix, groups } = groupsOf(line.address);
        return (
          <div key={line.name}>
            <dt>
              <strong>{line.name}</strong>
              <span>{line.note}</span>
            </dt>
            <dd>
              <span aria-hidden="true" className={css.groups} dir="ltr">
                {prefix && <span className={css.prefix}>{prefix}</span>}
                {groups.map((group, at) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: a group is its place in the address.
                  <span key={at} data-differs={apart[at] || undefined}>
                    {group}
                  </span>
                ))}
              </span>
              <VisuallyHidden>
                {spelled(line.address)} {t('compare.apart', { count: apart.filter(Boolean).length })}
              </VisuallyHidden>
            </dd>
          </div>
        );
      })}
    </dl>
  );
}
