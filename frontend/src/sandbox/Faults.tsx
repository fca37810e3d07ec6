import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  sandboxChaosMutation,
  sandboxListChaosOptions,
  sandboxListChaosQueryKey,
} from '@/client/@tanstack/react-query.gen';
import type { SandboxChaosData } from '@/client/types.gen';
import { FieldProblem, ProblemNote } from '@/ui/ProblemNote';
import { Bars } from '@/ui/Waiting';
import css from './break.module.css';
import { placeName } from './places';

type Fault = SandboxChaosData['body']['fault'];
type Network = 'bitcoin' | 'ethereum';

interface Switchable {
  key: string;
  fault: Fault;
  network?: Network;
  /** Of one exchange, or of all. */
  venues?: boolean;
  /** Happens once when pressed; there is nothing to switch off. */
  once?: boolean;
}

const SWITCHES: readonly Switchable[] = [
  { key: 'venue_timeout_after_accept', fault: 'venue_timeout_after_accept', venues: true },
  { key: 'node_answer_dropped', fault: 'node_answer_dropped' },
  { key: 'mining_ethereum', fault: 'mining_paused', network: 'ethereum' },
  { key: 'mining_bitcoin', fault: 'mining_paused', network: 'bitcoin' },
  { key: 'worker_killed', fault: 'worker_killed' },
  { key: 'reorg_ethereum', fault: 'reorg', network: 'ethereum', once: true },
  { key: 'reorg_bitcoin', fault: 'reorg', network: 'bitcoin', once: true },
];
const MOST_BLOCKS = 9;

export function Faults() {
  const { t } = useTranslation('sandbox');
  const queries = useQueryClient();
  const [blocks, setBlocks] = useState(2);
  const [venue, setVenue] = useState('');
  const { data, error, refetch } = useQuery({ ...sandboxListChaosOptions(), refetchInterval: 3000 });
  const chaos = useMutation({
    ...sandboxChaosMutation(),
    onSuccess: (list) => queries.setQueryData(sandboxListChaosQueryKey(), list),
  });
  if (!data) {
    return error ? (
      <ProblemNote error={error} onRetry={() => void refetch()} />
    ) : (
      <Bars rows={6} height={65} />
    );
  }
  const isOn = ({ fault, network, venues }: Switchable) => {
    const found = data.items.find((item) => item.fault === fault);
    if (venues && venue) return found?.venues.includes(venue) ?? false;
    return Boolean(
      found?.on && (!network || found.networks.length === 0 || found.networks.includes(network)),
    );
  };
  const press = (item: Switchable, on: boolean) =>
    chaos.mutate({
      body: {
        fault: item.fault,
        on,
        ...(item.network && { network: item.network }),
        ...(item.venues && venue && { venue }),
        ...(item.fault === 'reorg' && { blocks }),
      },
    });
  return (
    <>
      <ul className={css.faults}>
        {SWITCHES.map((item) => {
          const on = isOn(item);
          const id = `fault-${item.key}`;
          return (
            <li key={item.key} data-on={on || undefined}>
              <span id={id}>
                <strong>{t(`fault.${item.key as 'reorg_bitcoin'}.name`, { count: blocks })}</strong>
                <span>{on ? t('fault.on') : t(`fault.${item.key as 'reorg_bitcoin'}.note`)}</span>
                {item.venues && <Exchanges names={data.venues} value={venue} onChange={setVenue} />}
              </span>
              {item.once ? (
                <span className={css.once}>
                  <Blocks value={blocks} onChange={setBlocks} />
                  <button
                    type="button"
                    className={css.press}
                    aria-describedby={id}
                    onClick={() => press(item, true)}
                  >
                    {t('fault.now')}
                  </button>
                </span>
              ) : (
                <button
                  type="button"
                  role="switch"
                  aria-checked={on}
                  aria-labelledby={id}
                  className={css.switch}
                  onClick={() => press(item, !on)}
                />
              )}
            </li>
          );
        })}
      </ul>
      {chaos.error && <FieldProblem error={chaos.error} />}
    </>
  );
}

/** Which exchange is broken: one, or all of them. */
function Exchanges(props: { names: string[]; value: string; onChange: (name: string) => void }) {
  const { t } = useTranslation('sandbox');
  return (
    <select
      className={css.exchanges}
      aria-label={t('fault.which')}
      value={props.value}
      onChange={(event) => props.onChange(event.currentTarget.value)}
    >
      <option value="">{t('fault.all')}</option>
      {props.names.map((name) => (
        <option key={name} value={name}>
          {placeName(name)}
        </option>
      ))}
    </select>
  );
}

function Blocks({ value, onChange }: { value: number; onChange: (blocks: number) => void }) {
  const { t } = useTranslation('sandbox');
  return (
    <fieldset className={css.stepper} aria-label={t('fault.depth')}>
      <button type="button" aria-label={t('fault.less')} onClick={() => onChange(Math.max(1, value - 1))}>
        –
      </button>
      <output>{value}</output>
      <button
        type="button"
        aria-label={t('fault.more')}
        onClick={() => onChange(Math.min(MOST_BLOCKS, value + 1))}
      >
        +
      </button>
    </fieldset>
  );
}
