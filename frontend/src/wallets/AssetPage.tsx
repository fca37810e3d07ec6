import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useNames } from '@/app/assets';
import { walletsListBalancesOptions } from '@/client/@tanstack/react-query.gen';
import { isZero } from '@/money/decimal';
import { figuresText } from '@/money/figures';
import { Heading } from '@/ui/Heading';
import { Label } from '@/ui/Label';
import { Price } from './Price';
import { Statement } from './Statement';
import css from './statement.module.css';

const route = getRouteApi('/inside/balances/$asset');

/** One asset: what one has of it, and how it came to that. */
export function AssetPage() {
  const { t } = useTranslation('wallets');
  const { asset } = route.useParams();
  const days = route.useSearch();
  const name = useNames().asset(asset);
  const { data } = useQuery(walletsListBalancesOptions());
  const balance = data?.items.find((item) => item.asset === asset);
  const notes = balance
    ? [
        !isZero(balance.held) && t('asset.onHold', { amount: figuresText(balance.held, asset) }),
        !isZero(balance.incoming) && t('asset.comingIn', { amount: figuresText(balance.incoming, asset) }),
      ].filter(Boolean)
    : [];
  return (
    <div className={css.page}>
      <header className={css.first}>
        <div>
          {balance && <Label>{name}</Label>}
          <Heading title={name} arrival={asset}>
            {balance
              ? isZero(balance.available)
                ? t('asset.none', { asset })
                : t('asset.have', { amount: figuresText(balance.available, asset) })
              : name}
          </Heading>
          {notes.length > 0 && <p className={css.moving}>{notes.join(' ')}</p>}
        </div>
        <div className={css.actions}>
          <Button
            variant="default"
            renderRoot={(props) => <Link {...props} to="/deposit" search={{ asset }} />}
          >
            {t('home.deposit')}
          </Button>
          <Button
            variant="default"
            renderRoot={(props) => <Link {...props} to="/convert" search={{ from: asset }} />}
          >
            {t('home.convert')}
          </Button>
        </div>
      </header>
      <Price asset={asset} />
      <Statement asset={asset} days={days} />
    </div>
  );
}
