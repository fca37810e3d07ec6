import { Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { linksCancel, linksLookCancel } from '@/client/sdk.gen';
import { figuresText } from '@/money/figures';
import { Address } from '@/ui/Address';
import { Amount } from '@/ui/Amount';
import { serverNow } from '@/ui/clock';
import { Heading } from '@/ui/Heading';
import { Label } from '@/ui/Label';
import { ProblemNote } from '@/ui/ProblemNote';
import { Line, Lines, Slip } from '@/ui/Slip';
import { exactMoment } from '@/ui/time';
import css from './links.module.css';
import { Nowhere } from './Nowhere';
import { OPEN, useToken } from './token';

/** What the cancel link of a mail is about, and one button. Opening it changes nothing: mail scanners open links too. */
export function CancelPage() {
  const { t } = useTranslation('links');
  const token = useToken();
  const queries = useQueryClient();
  const key = ['cancelLink', token];
  const look = useQuery({
    queryKey: key,
    queryFn: async ({ signal }) =>
      (await linksLookCancel({ body: { token }, signal, throwOnError: true })).data,
    enabled: token !== '',
    meta: OPEN,
  });
  const cancel = useMutation({
    mutationFn: async () => (await linksCancel({ body: { token }, throwOnError: true })).data,
    onSuccess: (done) => queries.setQueryData(key, done),
    onError: () => void queries.invalidateQueries({ queryKey: key }),
  });
  const title = t('cancel.title');
  if (!look.data)
    return <Nowhere token={token} error={look.error} title={title} onRetry={() => void look.refetch()} />;
  const found = look.data;
  const done = found.state === 'cancelled';
  const money = figuresText(found.deliver.amount, found.deliver.asset);
  return (
    <div className={css.page} data-state={found.state}>
      <Heading title={title} arrival={found.state}>
        {done ? t('cancel.done') : found.can_cancel ? t('cancel.heading', { money }) : t('cancel.late')}
      </Heading>
      <p className={css.lead}>
        {done ? t('cancel.doneText') : found.can_cancel ? t('cancel.lead') : t('cancel.lateText')}
      </p>
      <Slip>
        <Label>{t('cancel.to')}</Label>
        <Address address={found.address} perLine={5} />
        <Lines>
          <Line name={t('network')}>{found.network_name}</Line>
          <Line name={t('cancel.theyGet')}>
            <Amount amount={found.deliver.amount} asset={found.deliver.asset} />
          </Line>
          {found.fees.map((fee) => (
            <Line key={fee.kind} name={t(`fee.${fee.kind}`)}>
              <Amount amount={fee.amount.amount} asset={fee.amount.asset} />
            </Line>
          ))}
          <Line name={t('cancel.youPay')}>
            <Amount amount={found.debit.amount} asset={found.debit.asset} />
          </Line>
          <Line name={t('cancel.askedAt')}>{exactMoment(found.created_at, serverNow())}</Line>
        </Lines>
      </Slip>
      {cancel.error && <ProblemNote error={cancel.error} />}
      <div className={css.ways}>
        {found.can_cancel && (
          <Button loading={cancel.isPending} onClick={() => cancel.mutate()}>
            {t('cancel.sure')}
          </Button>
        )}
        <Link to="/sign-in">{t('cancel.signIn')}</Link>
      </div>
    </div>
  );
}
