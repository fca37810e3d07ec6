import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useNames } from '@/app/assets';
import { LiveDot } from '@/app/LiveDot';
import { depositsGetOptions } from '@/client/@tanstack/react-query.gen';
import { Address, ShortId } from '@/ui/Address';
import { Amount } from '@/ui/Amount';
import { CopyButton } from '@/ui/CopyButton';
import { serverNow } from '@/ui/clock';
import { Heading } from '@/ui/Heading';
import { Label } from '@/ui/Label';
import { ProblemNote } from '@/ui/ProblemNote';
import { Line, Lines, Slip } from '@/ui/Slip';
import { Gauge } from '@/ui/Staff';
import { type Mark, Timeline } from '@/ui/Timeline';
import { exactMoment } from '@/ui/time';
import { Bars } from '@/ui/Waiting';
import css from './deposit.module.css';
import { isUnknown } from './depositStory';
import { useDepositWords } from './depositWords';

const route = getRouteApi('/inside/deposits/$id');

export function DepositDetail() {
  const { t } = useTranslation('wallets');
  const { id } = route.useParams();
  const names = useNames();
  const wordsOf = useDepositWords();
  const { data, error, refetch } = useQuery(depositsGetOptions({ path: { deposit_id: id } }));
  if (!data) {
    return (
      <div className={css.detail}>
        <div className={css.main}>
          <Heading title={t('deposit.title')}>{t('detail.heading')}</Heading>
          {error ? (
            <ProblemNote
              error={error}
              money={t('detail.safe')}
              onRetry={() => void refetch()}
              way={<Link to="/history">{t('detail.history')}</Link>}
            />
          ) : (
            <Bars rows={5} />
          )}
        </div>
      </div>
    );
  }
  const now = serverNow();
  const words = wordsOf(data);
  const network = names.network(data.network);
  const credited = data.state === 'credited';
  const marks: Mark[] = [
    {
      key: 'seen',
      state: 'past',
      name: t('detail.seen'),
      detail: (
        <>
          {t('detail.transaction')} <ShortId id={data.txid} />{' '}
          {data.explorer_url && (
            <a href={data.explorer_url} target="_blank" rel="noreferrer">
              {t('detail.explorer')}
            </a>
          )}
        </>
      ),
      time: exactMoment(data.detected_at, now),
    },
    {
      key: 'confirming',
      state: credited ? 'past' : 'now',
      name: t('detail.confirming'),
      detail: data.block_height
        ? t('detail.inBlock', {
            count: Math.min(data.confirmations, data.confirmations_required),
            needed: data.confirmations_required,
            block: data.block_height,
          })
        : words.depth,
    },
    {
      key: 'credited',
      state: credited ? 'past' : 'later',
      name: t('detail.credited'),
      time: data.credited_at
        ? exactMoment(data.credited_at, now)
        : data.expected_by
          ? t('detail.about', { time: exactMoment(data.expected_by, now) })
          : undefined,
    },
  ];
  return (
    <div className={css.detail}>
      <div className={css.main}>
        <Label>{t('move.where')}</Label>
        <Heading title={words.sentence} arrival={id}>
          {words.sentence}
        </Heading>
        <div className={css.gaugeRow}>
          <Gauge
            needed={data.confirmations_required}
            reached={data.confirmations}
            unit={data.confirmations_required > 2 ? 62 : 92}
            label={words.sentence}
          />
          <p className={css.bigAmount}>
            {isUnknown(data) ? (
              t('detail.unknownToken')
            ) : (
              <Amount amount={data.amount} asset={data.asset} afloat={!credited} />
            )}
          </p>
        </div>
        <p className={css.lead}>{words.next}</p>
        <Timeline marks={marks} label={t('detail.timeline')} />
      </div>
      <Slip label={t('deposit.title')}>
        <div className={css.sideHead}>
          <Label>{t('detail.to', { network })}</Label>
          <LiveDot />
        </div>
        <Address address={data.address} perLine={5} />
        <hr />
        <Lines>
          {data.contract ? (
            <Line name={t('detail.contract')}>
              <ShortId id={data.contract} />
            </Line>
          ) : (
            <Line name={t('detail.amount')}>
              <Amount amount={data.amount} asset={data.asset} form="full" afloat={!credited} />
            </Line>
          )}
          <Line name={t('deposit.fee')}>{t('deposit.none')}</Line>
        </Lines>
        <CopyButton value={data.txid} label={t('detail.copyTx')} />
      </Slip>
    </div>
  );
}
