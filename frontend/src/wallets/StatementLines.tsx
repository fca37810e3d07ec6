import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { WalletsGetStatementResponse } from '@/client/types.gen';
import { isNegative, isZero } from '@/money/decimal';
import { figuresText, wholeWidth } from '@/money/figures';
import { Amount } from '@/ui/Amount';
import { clock, longDay } from '@/ui/time';
import css from './statement.module.css';

export type Line = WalletsGetStatementResponse['items'][number];

/** What it was, in the reader's words; an event we have no words for speaks for itself. */
export function useEventWords(): (line: Line) => string {
  const { t, i18n } = useTranslation('wallets');
  return ({ event, charge, amount }) => {
    // A charge that comes back is a refund like the rest of it.
    if (charge && (isZero(amount) || isNegative(amount))) return t(`statement.charge.${charge}`);
    const name = event.replaceAll(' ', '_');
    return i18n.exists(`wallets:statement.event.${name}`)
      ? t(`statement.event.${name as 'deposit_credited'}`)
      : event;
  };
}

/** Where the whole of it is shown. */
function What({ line, children }: { line: Line; children: ReactNode }) {
  if (!line.id) return <>{children}</>;
  const params = { id: line.id };
  if (line.kind === 'withdrawal') {
    return (
      <Link to="/withdrawals/$id" params={params}>
        {children}
      </Link>
    );
  }
  if (line.kind === 'deposit') {
    return (
      <Link to="/deposits/$id" params={params}>
        {children}
      </Link>
    );
  }
  if (line.kind === 'conversion') {
    return (
      <Link to="/conversions/$id" params={params}>
        {children}
      </Link>
    );
  }
  if (line.kind === 'transfer') {
    return (
      <Link to="/transfers/$id" params={params}>
        {children}
      </Link>
    );
  }
  return <>{children}</>;
}

interface Props {
  asset: string;
  lines: readonly Line[];
}

/** What it put on hold is still afloat, and stands in italics; what left the hold has arrived somewhere. */
const setAside = (line: Line) => !isZero(line.held_amount) && !isNegative(line.held_amount);

/** Every movement with what stood after it. What changed only the part on hold is fainter: it is in no sum of the rest. */
export function StatementLines({ asset, lines }: Props) {
  const { t } = useTranslation('wallets');
  const words = useEventWords();
  const width = (pick: (line: Line) => string) =>
    wholeWidth(lines.map((line) => ({ amount: pick(line), asset })));
  const moved = (line: Line) => (isZero(line.amount) ? line.held_amount : line.amount);
  // A plus takes the place that a minus takes.
  const change = width((line) => (isNegative(moved(line)) ? moved(line) : `-${moved(line)}`));
  const [balance, held] = [width((line) => line.balance), width((line) => line.held)];
  return (
    <table className={css.table}>
      <thead>
        <tr>
          <th scope="col">{t('statement.when')}</th>
          <th scope="col">{t('statement.what')}</th>
          <th scope="col" className={css.change}>
            {t('statement.change', { asset })}
          </th>
          <th scope="col" className={css.wide}>
            {t('statement.balance')}
          </th>
          <th scope="col" className={css.wide}>
            {t('statement.held')}
          </th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line, index) => (
          // Lines have no name of their own; they are only ever added at the end.
          // biome-ignore lint/suspicious/noArrayIndexKey: see above
          <tr key={index} data-event={line.event} data-kind={line.kind}>
            <td className={css.when}>
              <time dateTime={line.at}>
                {longDay(line.at)} <span>{clock(line.at)}</span>
              </time>
            </td>
            <th scope="row" className={css.what}>
              <What line={line}>{words(line)}</What>
              <Aside line={line} asset={asset} />
            </th>
            <td className={css.change} data-within={isZero(line.amount) || undefined}>
              <Amount
                amount={moved(line)}
                asset={asset}
                unit={false}
                align={change}
                afloat={isZero(line.amount) && setAside(line)}
                signed
              />
              <span className={css.under}>
                {t('statement.left', { amount: figuresText(line.balance, asset) })}
                {!isZero(line.held) && (
                  <em> {t('statement.leftHeld', { amount: figuresText(line.held, asset) })}</em>
                )}
              </span>
            </td>
            <td className={css.wide}>
              <Amount amount={line.balance} asset={asset} unit={false} align={balance} dash />
            </td>
            <td className={css.wide}>
              <Amount amount={line.held} asset={asset} unit={false} align={held} afloat dash />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Which of the two parts it moved, where that is not plain. */
function Aside({ line, asset }: { line: Line; asset: string }) {
  const { t } = useTranslation('wallets');
  if (isZero(line.held_amount)) return null;
  const amount = figuresText(line.held_amount.replace('-', ''), asset);
  const out = isNegative(line.held_amount);
  const way = isZero(line.amount) ? (out ? 'outOfHold' : 'intoHold') : out ? 'offHold' : 'onHold';
  const said = t(`statement.${way}`, { amount });
  return <span className={css.aside}>{setAside(line) ? <em>{said}</em> : said}</span>;
}
