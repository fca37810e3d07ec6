import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNames } from '@/app/assets';
import { isSandbox } from '@/app/config';
import { DemoCodes } from '@/app/DemoCodes';
import { useMe } from '@/app/session';
import { walletsListBalancesQueryKey, withdrawalsGetQueryKey } from '@/client/@tanstack/react-query.gen';
import { withdrawalsGet, withdrawalsVerify } from '@/client/sdk.gen';
import type { WithdrawalsGetResponse } from '@/client/types.gen';
import { figuresText } from '@/money/figures';
import { Address } from '@/ui/Address';
import { Countdown } from '@/ui/Countdown';
import { useOnce } from '@/ui/once';
import { isCode, isUnknownOutcome } from '@/ui/problem';
import { Slip } from '@/ui/Slip';
import { StepUp } from '@/ui/StepUp';
import css from './pay.module.css';

interface Props {
  withdrawal: WithdrawalsGetResponse;
  onDone: (withdrawal: WithdrawalsGetResponse) => void;
  /** The time to confirm ran out. */
  onOver: () => void;
}

/** The stored intent, word for word, and the code over it. */
export function ConfirmForm({ withdrawal, onDone, onOver }: Props) {
  const { t } = useTranslation('transactions');
  const names = useNames();
  const me = useMe();
  const queries = useQueryClient();
  const once = useOnce();
  const [over, setOver] = useState(false);
  const path = { withdrawal_id: withdrawal.id };
  const verify = useMutation({
    mutationFn: async (digits: string) => {
      try {
        await withdrawalsVerify({ path, body: { method: 'totp', code: digits }, throwOnError: true });
        return (await withdrawalsGet({ path, throwOnError: true })).data;
      } catch (error) {
        if (!isUnknownOutcome(error)) throw error;
        // Nobody answered: what became of it is on record.
        const { data } = await withdrawalsGet({ path, throwOnError: true });
        if (data.state === 'pending_verification') throw error;
        return data;
      }
    },
    onSuccess: (done) => {
      queries.setQueryData(withdrawalsGetQueryKey({ path }), done);
      void queries.invalidateQueries({ queryKey: walletsListBalancesQueryKey() });
      onDone(done);
    },
    onSettled: once.end,
    onError: (error) => {
      if (isCode(error, 'quote_expired', 'conflict')) setOver(true);
    },
  });
  const expired = useCallback(() => setOver(true), []);
  const challenge = withdrawal.challenge;
  const money = figuresText(withdrawal.deliver.amount, withdrawal.deliver.asset);
  if (over || !challenge) {
    return (
      <>
        <p className={css.lead} role="status">
          {t('confirm.over', { money: figuresText(withdrawal.debit.amount, withdrawal.debit.asset, 'full') })}
        </p>
        <div>
          <Button onClick={onOver}>{t('confirm.again')}</Button>
        </div>
      </>
    );
  }
  return (
    <>
      <dl className={css.details}>
        <div>
          <dt>{t('check.to')}</dt>
          <dd className={css.wide}>
            {withdrawal.label && <strong>{withdrawal.label}</strong>}
            <Address address={withdrawal.address} />
          </dd>
        </div>
        <div>
          <dt>{t('check.theyGet')}</dt>
          <dd>
            <strong>{money}</strong>
          </dd>
          <dd>{t('check.exactly', { network: names.network(withdrawal.network) })}</dd>
        </div>
        <div>
          <dt>{t('check.youPay')}</dt>
          <dd>
            <strong>{figuresText(withdrawal.debit.amount, withdrawal.debit.asset, 'full')}</strong>
          </dd>
          <dd>{t('confirm.setAside')}</dd>
        </div>
      </dl>
      <StepUp
        about={t('confirm.codeNote')}
        act={t('confirm.send', { money })}
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
          expiresAt={challenge.expires_at}
          life={120}
          thing={t('confirm.thisTime')}
          note={t('confirm.timeLeft')}
          onExpired={expired}
          compact
        />
        <p className={css.note}>{t('check.final')}</p>
      </StepUp>
    </>
  );
}
