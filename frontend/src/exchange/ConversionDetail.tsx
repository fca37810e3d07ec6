import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { conversionsGetOptions } from '@/client/@tanstack/react-query.gen';
import type { ConversionsGetResponse } from '@/client/types.gen';
import { figuresText } from '@/money/figures';
import { serverNow } from '@/ui/clock';
import { Heading } from '@/ui/Heading';
import { SaveIcon } from '@/ui/icons';
import { ProblemNote } from '@/ui/ProblemNote';
import { Line, Lines, Slip } from '@/ui/Slip';
import { exactMoment } from '@/ui/time';
import { Bars } from '@/ui/Waiting';
import css from './convert.module.css';
import { OurTrade } from './OurTrade';
import { CostLines } from './PriceSlip';
import { RouteBars } from './RouteBars';
import { Why } from './Why';

type Conversion = ConversionsGetResponse;

const route = getRouteApi('/inside/conversions/$id');
/** While our own trades for it are under way their fills come in one by one. */
const LOOK_MILLISECONDS = 2000;

/** What became of it, to the last unit, and the receipt: why the price was what it was. */
export function ConversionDetail() {
  const { t } = useTranslation('exchange');
  const { id } = route.useParams();
  const { data, error, refetch } = useQuery({
    ...conversionsGetOptions({ path: { conversion_id: id } }),
    refetchInterval: ({ state }) => (isUnderWay(state.data) ? LOOK_MILLISECONDS : false),
  });
  if (data) return <Told conversion={data} />;
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

function isUnderWay(conversion: Conversion | undefined): boolean {
  return conversion?.receipt.hedge === 'waiting' || conversion?.receipt.hedge === 'running';
}

function Told({ conversion }: { conversion: Conversion }) {
  const { t } = useTranslation('exchange');
  const { debit, deliver, receipt, completed_at: completed } = conversion;
  const values = {
    debit: figuresText(debit.amount, debit.asset),
    deliver: figuresText(deliver.amount, deliver.asset),
  };
  const sentence =
    conversion.state === 'completed'
      ? t('detail.done', values)
      : conversion.state === 'failed'
        ? t('detail.failed', values)
        : t('detail.executing', values);
  const now = serverNow();
  return (
    <div className={css.page} data-state={conversion.state}>
      <div className={css.main}>
        <Heading title={t('detail.title')} arrival={conversion.id}>
          {sentence}
        </Heading>
        <p className={css.lead}>
          {completed
            ? t('detail.when', { time: exactMoment(completed, now) })
            : t('detail.since', { time: exactMoment(conversion.created_at, now) })}{' '}
          {conversion.state === 'completed' && t('detail.settled')}
        </p>
        <div className={css.row}>
          <Button component={Link} to="/pay">
            {t('detail.pay')}
          </Button>
          <Button component={Link} to="/convert" variant="default">
            {t('detail.again')}
          </Button>
        </div>
        <RouteBars quote={{ from_asset: debit.asset, to_asset: deliver.asset, route: receipt.route }} />
        {receipt.execution && <Why execution={receipt.execution} />}
        <OurTrade conversion={conversion} />
      </div>
      <Receipt conversion={conversion} />
    </div>
  );
}

function Receipt({ conversion }: { conversion: Conversion }) {
  const { t } = useTranslation('exchange');
  const { debit, deliver } = conversion;
  return (
    <aside className={css.slip}>
      <Slip label={t('slip.label')}>
        <Lines>
          <Line name={t('slip.got')}>{figuresText(deliver.amount, deliver.asset, 'full')}</Line>
        </Lines>
        <hr />
        <CostLines of={conversion} total={t('slip.paid', { asset: debit.asset })} />
        <p className={css.quoted}>{t('detail.quoted')}</p>
        {conversion.receipt.execution && (
          <Button
            component="a"
            href={`/api/v1/exchange/conversions/${conversion.id}/receipt`}
            download={`tidegate-receipt-${conversion.id}.json`}
            variant="default"
            fullWidth
            leftSection={<SaveIcon size={18} />}
          >
            {t('detail.receipt')}
          </Button>
        )}
      </Slip>
    </aside>
  );
}
