import { Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNames } from '@/app/assets';
import { isSandbox } from '@/app/config';
import { sandboxFaucetMutation } from '@/client/@tanstack/react-query.gen';
import { addressesCreate, addressesList } from '@/client/sdk.gen';
import { figuresText } from '@/money/figures';
import { Address } from '@/ui/Address';
import { announce } from '@/ui/announce';
import { CopyButton } from '@/ui/CopyButton';
import { Label } from '@/ui/Label';
import { FieldProblem, ProblemNote } from '@/ui/ProblemNote';
import { Qr } from '@/ui/Qr';
import { Slip } from '@/ui/Slip';
import { Bars } from '@/ui/Waiting';
import css from './deposit.module.css';
import { NoMore } from './NoMore';

interface Props {
  asset: string;
  network: string;
}

/** What the faucet sends when asked from here. */
const TEST_COINS: Record<string, string> = { BTC: '0.01', ETH: '0.5', USDT: '500', USDC: '500' };

/** The newest address of this asset and network; the first visit makes one. */
function useDepositAddress({ asset, network }: Props) {
  return useQuery({
    queryKey: ['depositAddress', asset, network],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }) => {
      const known = await addressesList({ query: { asset, network, limit: 1 }, signal, throwOnError: true });
      const [newest] = known.data.items;
      if (newest) return newest;
      const made = await addressesCreate({
        body: { asset, network },
        // Two tabs opened at once still get one address.
        headers: { 'Idempotency-Key': `first-address:${asset}:${network}` },
        throwOnError: true,
      });
      return made.data;
    },
  });
}

export function DepositAddress({ asset, network }: Props) {
  const { t } = useTranslation('wallets');
  const names = useNames();
  const queries = useQueryClient();
  const { data, error, refetch } = useDepositAddress({ asset, network });
  const [asked, setAsked] = useState(0);
  const another = useMutation({
    mutationFn: async () => (await addressesCreate({ body: { asset, network }, throwOnError: true })).data,
    onSuccess: (made) => {
      queries.setQueryData(['depositAddress', asset, network], made);
      announce(t('deposit.newReady'));
    },
  });
  const faucet = useMutation({ ...sandboxFaucetMutation(), onSuccess: () => setAsked((count) => count + 1) });

  if (error && !data) return <ProblemNote error={error} onRetry={() => void refetch()} />;
  if (!data) return <Bars rows={4} height={64} />;
  const coins = TEST_COINS[asset];
  return (
    <>
      <Slip label={t('deposit.yours', { network: names.network(network) })}>
        <div className={css.address}>
          <Qr text={data.uri} label={t('deposit.qr', { asset })} />
          <div className={css.right}>
            <Label>{t('deposit.yours', { network: names.network(network) })}</Label>
            <Address address={data.address} perLine={4} size="large" />
            <div className={css.row}>
              <CopyButton value={data.address} label={t('deposit.copy')} primary />
              <Button variant="default" loading={another.isPending} onClick={() => another.mutate()}>
                {t('deposit.another')}
              </Button>
            </div>
            {another.error && <NoMore error={another.error} />}
            <p className={css.note}>
              {t('deposit.compare')} <Link to="/deposit/addresses">{t('deposit.all')}</Link>
            </p>
          </div>
        </div>
      </Slip>
      {isSandbox && coins && (
        <div className={css.faucet}>
          <Button
            variant="default"
            loading={faucet.isPending}
            onClick={() => faucet.mutate({ body: { asset, network, address: data.address, amount: coins } })}
          >
            {t('deposit.faucet', { amount: figuresText(coins, asset) })}
          </Button>
          <span className={css.note}>{asked > 0 ? t('deposit.faucetSent') : t('deposit.faucetNote')}</span>
          {faucet.error && <FieldProblem error={faucet.error} />}
        </div>
      )}
    </>
  );
}
