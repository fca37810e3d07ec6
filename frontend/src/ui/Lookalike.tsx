import { Button } from '@mantine/core';
import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Compare, charactersApart } from './Compare';
import css from './Compare.module.css';
import { serverNow } from './clock';
import { moment } from './time';
import { Warning } from './Warning';

export interface Twin {
  readonly address: string;
  readonly source: 'saved' | 'paid' | 'own';
  readonly label: string | null;
  readonly at: string;
}

interface Props {
  /** The known address that was perhaps meant. */
  twin: Twin;
  pasted: string;
  /** Id of the safe way, so that whoever is stopped elsewhere can be led here. */
  id?: string;
  onUseKnown?: () => void;
  onOther: () => void;
  onAcknowledge: () => void;
}

/** The one red page: nothing goes on before both whole addresses were compared, and somebody says so. */
export function Lookalike({ twin, pasted, id, onUseKnown, onOther, onAcknowledge }: Props) {
  const { t } = useTranslation('ui');
  const [compared, setCompared] = useState(false);
  const [missed, setMissed] = useState(false);
  const box = useId();
  const apart = charactersApart(twin.address, pasted);
  return (
    <Warning
      tone="red"
      title={t(`lookalike.title.${twin.source}`)}
      ways={
        <>
          {onUseKnown ? (
            <Button id={id} onClick={onUseKnown}>
              {t(`lookalike.use.${twin.source}`)}
            </Button>
          ) : (
            <Button id={id} onClick={onOther}>
              {t('lookalike.other')}
            </Button>
          )}
          <Button
            variant="default"
            data-disabled={!compared || undefined}
            onClick={() => {
              if (compared) return onAcknowledge();
              setMissed(true);
              document.getElementById(box)?.focus();
            }}
          >
            {t('lookalike.somebodyElse')}
          </Button>
        </>
      }
    >
      <p>
        {t('lookalike.text', {
          known: twin.label ?? t(`lookalike.known.${twin.source}`),
          differ: apart.differ,
          count: apart.of,
        })}
      </p>
      <Compare
        known={{
          name: t(`lookalike.line.${twin.source}`),
          note: moment(twin.at, serverNow()),
          address: twin.address,
        }}
        pasted={{ name: t('lookalike.pasted'), note: t('lookalike.now'), address: pasted }}
      />
      <label className={css.check}>
        <input
          id={box}
          type="checkbox"
          checked={compared}
          onChange={(event) => setCompared(event.currentTarget.checked)}
          aria-describedby={missed && !compared ? `${box}-missed` : undefined}
        />
        {t('lookalike.compared')}
      </label>
      {missed && !compared && (
        <p id={`${box}-missed`} className={css.missed} role="alert">
          {t('lookalike.compareFirst')}
        </p>
      )}
    </Warning>
  );
}
