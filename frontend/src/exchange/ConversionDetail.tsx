import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { conversionsGetOptions } from '@/client/@tanstack/react-query.gen';
import { isZero, minus } from '@/money/decimal';
import { bareFigures, figuresText } from '@/money/figures';
import { serverNow } from '@/ui/clock';
import { Heading } from '@/ui/Heading';
import { ProblemNote } from '@/ui/ProblemNote';
import { Line, Lines, Slip } from '@/ui/Slip';
import { exactMoment } from '@/ui/time';
import { Bars } from '@/ui/Waiting';
import css from './convert.module.css';

const route = getRouteApi('/inside/conversions/$id');

/** What became of it, to the last unit, and where the price came from. */
export function ConversionDetail() {
  const { t, i18n } = useTranslation('exchange');
  const { id } = route.useParams();
  const { data, error, refetch } = useQuery(conversionsGetOptions({ path: { conversion_id: id } }));
  if (!data) {
    return (
      <div className={css.page}>
        <div className={css.main}>
          <Heading title={t('detail.title')} arrival={id}>
            {t('detail.title')}
          </Heading>
          {error ? (
            <ProblemNote
              error={error}
              money={t('detail.safe')}
              onRetry={() => void refetch()}
              way={<Link to="/history">{t('detail.history')}</Link>}
            />
          ) : (
            <Bars rows={4} />
          )}
        </div>
      </div>
    );
  }
  const values = {
    debit: figuresText(data.debit.amount, data.debit.asset),
    deliver: figuresText(data.deliver.amount, data.deliver.asset),
  };
  const sentence =
    data.state === 'completed'
      ? t('detail.done', values)
      : data.state === 'failed'
        ? t('detail.failed', values)
        : t('detail.executing', values);
  const exchanged = data.fees.reduce((rest, fee) => minus(rest, fee.amount.amount), data.debit.amount);
  return (
    <div className={css.page} data-state={data.state}>
      <div className={css.main}>
        <Heading title={t('detail.title')} arrival={id}>
          {sentence}
        </Heading>
        <p className={css.lead}>
          {data.completed_at
            ? t('detail.when', { time: exactMoment(data.completed_at, serverNow()) })
            : t('detail.since', { time: exactMoment(data.created_at, serverNow()) })}{' '}
          {data.state === 'completed' && t('detail.settled')}
        </p>
        {data.receipt.route.length > 0 && (
          <p className={css.note}>
            {t('detail.route', { venues: data.receipt.route.map((leg) => leg.venue).join(', ') })}{' '}
            {i18n.exists(`exchange:detail.hedge.${data.receipt.hedge}`) &&
              t(`detail.hedge.${data.receipt.hedge}`)}
          </p>
        )}
        <div className={css.row}>
          <Button component={Link} to="/pay">
            {t('detail.pay')}
          </Button>
          <Button component={Link} to="/convert" variant="default">
            {t('detail.again')}
          </Button>
        </div>
      </div>
      <aside className={css.slip}>
        <Slip label={t('slip.label')}>
          <Lines>
            <Line name={t('slip.get')}>{figuresText(data.deliver.amount, data.deliver.asset, 'full')}</Line>
            <Line name={t('slip.exchanged')}>{bareFigures(exchanged, data.debit.asset, 'full')}</Line>
            {data.fees
              .filter((fee) => !isZero(fee.amount.amount))
              .map((fee) => (
                <Line key={fee.kind} name={t(`fee.${fee.kind}`)}>
                  {bareFigures(fee.amount.amount, fee.amount.asset, 'full')}
                </Line>
              ))}
            <Line name={t('slip.paid', { asset: data.debit.asset })} strong>
              {bareFigures(data.debit.amount, data.debit.asset, 'full')}
            </Line>
          </Lines>
          <p className={css.quoted}>{t('detail.quoted')}</p>
        </Slip>
      </aside>
    </div>
  );
}
