import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { linksTrack } from '@/client/sdk.gen';
import { figuresText } from '@/money/figures';
import { announce } from '@/ui/announce';
import { CopyButton } from '@/ui/CopyButton';
import { serverNow } from '@/ui/clock';
import { Heading } from '@/ui/Heading';
import { Label } from '@/ui/Label';
import { isCode } from '@/ui/problem';
import { Staff } from '@/ui/Staff';
import { exactMoment, longDay, minute, moment } from '@/ui/time';
import css from './links.module.css';
import { Nowhere } from './Nowhere';
import { OPEN, useToken } from './token';
import { isOver, type Tracked, words } from './tracked';

const ASK_MILLISECONDS = 5000;

/** How far a payment is, for its recipient: nobody signs in, and nothing of the payer is shown. */
export function TrackPage() {
  const { t } = useTranslation('links');
  const token = useToken();
  const look = useQuery({
    queryKey: ['track', token],
    queryFn: async ({ signal }) => (await linksTrack({ body: { token }, signal, throwOnError: true })).data,
    enabled: token !== '',
    refetchInterval: (query) => (isOver(query.state.data) ? false : ASK_MILLISECONDS),
    meta: OPEN,
  });
  // Revoked meanwhile: what it showed is not shown any more. A lost connection takes nothing away.
  if (!look.data || isCode(look.error, 'not_found'))
    return (
      <Nowhere token={token} error={look.error} title={t('looking')} onRetry={() => void look.refetch()} />
    );
  return <Told found={look.data} />;
}

function Told({ found }: { found: Tracked }) {
  const { t } = useTranslation('links');
  const money = figuresText(found.deliver.amount, found.deliver.asset);
  const now = serverNow();
  const values = {
    money,
    reached: found.confirmations,
    needed: found.confirmations_required,
    time: found.arrived_at
      ? exactMoment(found.arrived_at, now)
      : found.expected_by
        ? minute(found.expected_by)
        : '',
  };
  const say = words(found);
  const sentence = t(`track.${say.heading}`, values);
  useEffect(() => announce(sentence), [sentence]);
  return (
    <div className={css.page} data-stage={found.stage}>
      <Heading title={t('track.title', { money })}>{sentence}</Heading>
      <div className={css.row}>
        <Staff
          needed={found.confirmations_required}
          reached={found.confirmations}
          unit={40}
          label={t('track.staff', values)}
        />
        <div className={css.share}>
          <p className={css.lead}>{t(`track.next.${say.next}`, values)}</p>
          <Label>{found.network_name}</Label>
          {found.txid && (
            <>
              <p className={css.txid} data-txid={found.txid}>
                {found.txid}
              </p>
              <div className={css.ways}>
                <CopyButton value={found.txid} label={t('track.copy')} plain />
                {found.explorer_url && <a href={found.explorer_url}>{t('track.explorer')}</a>}
              </div>
            </>
          )}
        </div>
      </div>
      <p className={css.note}>
        {!isOver(found) && `${t('track.live')} `}
        {t('track.until', {
          time: `${longDay(found.link_expires_at)}, ${moment(found.link_expires_at, Date.parse(found.link_expires_at))}`,
        })}
      </p>
    </div>
  );
}
