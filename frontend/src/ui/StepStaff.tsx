import { useTranslation } from 'react-i18next';
import { ePath } from './Staff';
import css from './StepStaff.module.css';

export interface Step {
  key: string;
  name: string;
  /** What was chosen, or what will be asked. */
  note?: string | undefined;
}

interface Props {
  steps: readonly Step[];
  now: number;
  label: string;
  /** Goes back to a step that is done. */
  onBack: (key: string) => void;
}

/** One graduation a step; on narrow screens it says "Step 2 of 4". */
export function StepStaff({ steps, now, label, onBack }: Props) {
  const { t } = useTranslation('ui');
  return (
    <nav aria-label={label} className={css.staff}>
      <p className={css.short}>{t('steps.of', { step: now + 1, count: steps.length })}</p>
      <ol>
        {steps.map((step, index) => {
          const state = index < now ? 'past' : index === now ? 'now' : 'later';
          return (
            <li key={step.key} data-state={state} aria-current={state === 'now' ? 'step' : undefined}>
              <svg width="22" height="30" viewBox="0 0 22 30" aria-hidden="true">
                <path d={ePath(index % 2 ? 11 : 0, 0, 11, 30, index % 2 === 1)} />
              </svg>
              <div>
                {state === 'past' ? (
                  <button type="button" onClick={() => onBack(step.key)}>
                    {step.name}
                  </button>
                ) : (
                  <span className={css.name}>{step.name}</span>
                )}
                {step.note && <span className={css.note}>{step.note}</span>}
              </div>
            </li>
          );
        })}
      </ol>
    </nav>
  );
}
