import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { isSandbox } from '@/app/config';
import { DemoCodes } from '@/app/DemoCodes';
import { useMe } from '@/app/session';
import { transfersGetQueryKey, walletsListBalancesQueryKey } from '@/client/@tanstack/react-query.gen';
import { transfersGet, transfersVerify } from '@/client/sdk.gen';
import type { TransfersGetResponse } from '@/client/types.gen';
import { figuresText } from '@/money/figures';
import { Address } from '@/ui/Address';
import { Countdown } from '@/ui/Countdown';
import { useOnce } from '@/ui/once';
import { isCode, isUnknownOutcome } from '@/ui/problem';
import { Slip } from '@/ui/Slip';
import { StepUp } from '@/ui/StepUp';
import css from './pay.module.css';

export type Transfer = TransfersGetResponse;

interface Props {
  transfer: Transfer;
  onDone: (transfer: Transfer) => void;
  /** The time to confirm ran out. */
  onOver: () => void;
}

/** Every detail of it, and the code over exactly that. */
export function TransferConfirm({ transfer, onDone, onOver }: Props) {
  const { t } = useTranslation('transactions');
  const me = useMe();
  const queries = useQueryClient();
  const once = useOnce();
  const [over, setOver] = useState(false);
  const path = { transfer_id: transfer.id };
  const verify = useMutation({
    mutationFn: async (digits: string) => {
      try {
        return (await transfersVerify({ path, body: { method: 'totp', code: digits }, throwOnError: true }))
          .data;
      } catch (error) {
        if (!isUnknownOutcome(error)) throw error;
        // Nobody answered: what became of it is on record.
        const { data } = await transfersGet({ path, throwOnError: true });
        if (data.state === 'pending_verification') throw error;
        return data;
      }
    },
    onSuccess: (done) => {
      queries.setQueryData(transfersGetQueryKey({ path }), done);
      void queries.invalidateQueries({ queryKey: walletsListBalancesQueryKey() });
      onDone(done);
    },
    onSettled: once.end,
    onError: (error) => {
      if (isCode(error, 'quote_expired', 'conflict')) setOver(true);
    },
  });
  const expired = useCallback(() => setOver(true), []);
  const money = figuresText(transfer.amount, transfer.asset, 'full');
  if (over || !transfer.challenge) {
    return (
      <>
        <p className={css.lead} role="status">
          {t('confirm.over', { money })}
        </p>
        <div>
          <Button onClick={onOver}>{t('inside.again')}</Button>
        </div>
      </>
    );
  }
  return (
    <>
      <TransferDetails transfer={transfer} />
      <StepUp
        about={t('confirm.codeNote')}
        act={t('confirm.send', { money: figuresText(transfer.amount, transfer.asset) })}
        pending={verify.isPending}
        error={verify.error}
        onCode={(code) => once.begin() && verify.mutate(code)}
        beside={(use) =>
          isSandbox && (
            <Slip>
              <DemoCodes
                heading={t('confirm.demo')}
                only={me.email}
                action={{ word: t('confirm.useCode'), run: (user) => use(user.code) }}
              />
            </Slip>
          )
        }
      >
        <Countdown
          expiresAt={transfer.challenge.expires_at}
          life={600}
          thing={t('confirm.thisTime')}
          note={t('confirm.timeLeft')}
          onExpired={expired}
          compact
        />
        <p className={css.note}>{t('inside.final')}</p>
      </StepUp>
    </>
  );
}

/** To whom, how much, what it costs, what they see. */
export function TransferDetails({ transfer }: { transfer: Transfer }) {
  const { t } = useTranslation('transactions');
  const money = figuresText(transfer.amount, transfer.asset, 'full');
  const out = transfer.direction === 'out';
  const other = out ? transfer.to_email : transfer.from_email;
  return (
    <dl className={css.details}>
      <div>
        <dt>{t(out ? 'check.to' : 'inside.from')}</dt>
        <dd className={css.wide}>
          {other ? (
            <strong>{other}</strong>
          ) : out && transfer.to_address ? (
            <Address address={transfer.to_address} />
          ) : (
            <strong>{t('inside.somebody')}</strong>
          )}
          <p className={css.note}>{t(out ? `inside.sees.${other ? 'email' : 'address'}` : 'inside.here')}</p>
        </dd>
      </div>
      {!out && transfer.to_address && (
        <div>
          <dt>{t('inside.yourAddress')}</dt>
          <dd className={css.wide}>
            <Address address={transfer.to_address} />
          </dd>
        </div>
      )}
      <div>
        <dt>{t(out ? 'check.theyGet' : 'inside.youGot')}</dt>
        <dd>
          <strong>{money}</strong>
        </dd>
        <dd>{t('inside.free')}</dd>
      </div>
      {out && (
        <div>
          <dt>{t('check.youPay')}</dt>
          <dd>
            <strong>{money}</strong>
          </dd>
          {transfer.state === 'pending_verification' && <dd>{t('confirm.setAside')}</dd>}
        </div>
      )}
    </dl>
  );
}
