import { getRouteApi, Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { type AssetTerms, useAssets, useNames } from '@/app/assets';
import { figuresText } from '@/money/figures';
import { Heading } from '@/ui/Heading';
import { Label } from '@/ui/Label';
import { ProblemNote } from '@/ui/ProblemNote';
import { Bars } from '@/ui/Waiting';
import { ComingIn } from './ComingIn';
import { DepositAddress } from './DepositAddress';
import css from './deposit.module.css';

const route = getRouteApi('/inside/deposit');

/** One asset, one network, one address. */
export function DepositPage() {
  const { t } = useTranslation('wallets');
  const search = route.useSearch();
  const { data, error, refetch } = useAssets();
  const open = data?.items.filter((item) => item.networks.some((network) => network.deposits)) ?? [];
  const asset = open.find((item) => item.asset === search.asset) ?? open[0];
  // With several networks there is no default: the visitor says which.
  const networks = asset?.networks.filter((item) => item.deposits) ?? [];
  const network =
    networks.find((item) => item.network === search.network) ??
    (networks.length === 1 ? networks[0] : undefined);
  const names = useNames();
  const title = asset ? t('deposit.heading', { asset: names.asset(asset.asset) }) : t('deposit.title');

  return (
    <div className={css.page}>
      <div className={css.choices}>
        <Choices assets={open} asset={asset} network={network?.network} />
      </div>
      <div className={css.main}>
        <Heading title={t('deposit.title')} arrival={`${search.asset}${search.network}`}>
          {title}
        </Heading>
        {error && !data && <ProblemNote error={error} onRetry={() => void refetch()} />}
        {!data && !error && <Bars rows={4} />}
        {asset && !network && <p className={css.lead}>{t('deposit.chooseNetwork')}</p>}
        {asset && network && (
          <>
            <p className={css.lead}>
              {t('deposit.only')} <strong>{asset.asset}</strong>
              {t('deposit.onlyOn')} <strong>{names.network(network.network)}</strong> {t('deposit.network')}
            </p>
            {network.reason && <p className={css.reason}>{network.reason}</p>}
            <DepositAddress
              key={`${asset.asset}${network.network}`}
              asset={asset.asset}
              network={network.network}
            />
            <dl className={css.facts}>
              <div>
                <dt>{t('deposit.smallest')}</dt>
                <dd>{figuresText(network.minimum_deposit, asset.asset)}</dd>
              </div>
              <div>
                <dt>{t('deposit.after')}</dt>
                <dd>{t('deposit.confirmations', { count: network.confirmations_required })}</dd>
              </div>
              {network.deposit_tiers.map((tier) => (
                <div key={tier.from_amount}>
                  <dt>{t('deposit.larger', { amount: figuresText(tier.from_amount, asset.asset) })}</dt>
                  <dd>{t('deposit.confirmations', { count: tier.confirmations_required })}</dd>
                </div>
              ))}
              <div>
                <dt>{t('deposit.fee')}</dt>
                <dd>{t('deposit.none')}</dd>
              </div>
            </dl>
          </>
        )}
      </div>
      <ComingIn asset={asset?.asset} />
    </div>
  );
}

interface ChoicesProps {
  assets: readonly AssetTerms[];
  asset: AssetTerms | undefined;
  network: string | undefined;
}

function Choices({ assets, asset, network }: ChoicesProps) {
  const { t } = useTranslation('wallets');
  const names = useNames();
  return (
    <>
      <nav aria-label={t('deposit.assets')}>
        <Label>{t('deposit.asset')}</Label>
        <ul className={css.list}>
          {assets.map((item) => (
            <li key={item.asset}>
              <Link
                to="/deposit"
                search={{ asset: item.asset }}
                aria-current={item.asset === asset?.asset ? 'true' : undefined}
                activeProps={{}}
              >
                <strong>{item.name}</strong> <span>{item.asset}</span>
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      {asset && (
        <nav aria-label={t('deposit.networks')}>
          <Label>{t('deposit.networkHead')}</Label>
          <ul className={css.list}>
            {asset.networks
              .filter((item) => item.deposits)
              .map((item) => (
                <li key={item.network}>
                  <Link
                    to="/deposit"
                    search={{ asset: asset.asset, network: item.network }}
                    aria-current={item.network === network ? 'true' : undefined}
                    activeProps={{}}
                  >
                    <strong>{names.network(item.network)}</strong>{' '}
                    <span>{t('deposit.confirmationsShort', { count: item.confirmations_required })}</span>
                  </Link>
                </li>
              ))}
          </ul>
        </nav>
      )}
    </>
  );
}
