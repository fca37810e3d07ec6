import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { MovementRow } from '@/app/MovementRow';
import { isMoving } from '@/app/movements';
import { useMe } from '@/app/session';
import { transactionsListOptions, walletsListBalancesOptions } from '@/client/@tanstack/react-query.gen';
import type { WalletsListBalancesResponse } from '@/client/types.gen';
import { sum } from '@/money/decimal';
import { bareFigures } from '@/money/figures';
import { Heading } from '@/ui/Heading';
import { Label } from '@/ui/Label';
import { ProblemNote } from '@/ui/ProblemNote';
import { clock } from '@/ui/time';
import { Bar, Bars, Empty } from '@/ui/Waiting';
import { Warning } from '@/ui/Warning';
import { BalanceTable } from './BalanceTable';
import css from './home.module.css';
import { OnTheMove } from './OnTheMove';
import { PasteBox } from './PasteBox';

const SHOWN = 6;

/** What one has, the way to pay with it, and what is moving. */
export function Home() {
  const { t } = useTranslation('wallets');
  const me = useMe();
  const balances = useQuery(walletsListBalancesOptions());
  const history = useQuery(transactionsListOptions({ query: { limit: 20 } }));
  const moving = history.data?.items.filter(isMoving) ?? [];
  const settled = history.data?.items.filter((item) => !isMoving(item)).slice(0, SHOWN) ?? [];
  return (
    <div className={css.home}>
      <div className={css.first}>
        <Total balances={balances} />
        <div className={css.actions}>
          <Button component={Link} variant="default" to="/deposit">
            {t('home.deposit')}
          </Button>
          <Button component={Link} variant="default" to="/convert">
            {t('home.convert')}
          </Button>
        </div>
      </div>
      {me.factors.length === 0 && (
        <div className={css.full}>
          <Warning
            tone="amber"
            title={t('home.enrolTitle')}
            ways={
              <Button component={Link} to="/security">
                {t('home.enrol')}
              </Button>
            }
          >
            {t('home.enrolText')}
          </Warning>
        </div>
      )}
      <PasteBox />
      <section className={css.balances} aria-labelledby="balances">
        <h2 id="balances">{t('home.balances')}</h2>
        {balances.error && !balances.data ? (
          <ProblemNote
            error={balances.error}
            money={t('home.safe')}
            onRetry={() => void balances.refetch()}
          />
        ) : balances.data ? (
          <BalanceTable balances={balances.data.items} />
        ) : (
          <Bars rows={4} height={67} />
        )}
      </section>
      <aside className={css.side}>
        {moving.length > 0 && <OnTheMove items={moving} />}
        <section aria-labelledby="recent">
          <header className={css.recent}>
            <h2 id="recent">{t('home.recent')}</h2>
            <Link to="/history">{t('home.all')}</Link>
          </header>
          {history.error && !history.data && (
            <ProblemNote error={history.error} onRetry={() => void history.refetch()} />
          )}
          {!history.data && !history.error && <Bars rows={4} height={67} />}
          {history.data && settled.length === 0 && <Empty sentence={t('home.nothingYet')} />}
          <ul>
            {settled.map((item) => (
              <MovementRow key={`${item.kind}${item.id}`} item={item} />
            ))}
          </ul>
        </section>
      </aside>
    </div>
  );
}

interface TotalProps {
  balances: { data: WalletsListBalancesResponse | undefined; error: unknown };
}

function Total({ balances }: TotalProps) {
  const { t } = useTranslation('wallets');
  const known = balances.data?.items.flatMap((item) => (item.estimate ? [item.estimate] : [])) ?? [];
  const total = sum(known.map((estimate) => estimate.amount));
  const currency = known[0]?.currency ?? 'USD';
  const asOf = known.map((estimate) => estimate.as_of).sort()[0];
  const unpriced = (balances.data?.items.length ?? 0) > known.length;
  return (
    <div>
      <Label>{t('home.everything')}</Label>
      <Heading title={t('home.title')} className={css.hero}>
        {balances.data ? (
          <bdi dir="ltr">
            {bareFigures(total, currency)}
            <span> {currency}</span>
          </bdi>
        ) : balances.error ? (
          <span className={css.dash}>–</span>
        ) : (
          <Bar width={260} height={48} />
        )}
      </Heading>
      <p className={css.note}>
        {asOf
          ? t(unpriced ? 'home.estimateSome' : 'home.estimate', { time: clock(asOf) })
          : balances.data
            ? t('home.noEstimate')
            : '\u00a0'}
      </p>
    </div>
  );
}
