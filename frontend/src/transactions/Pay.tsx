import { getRouteApi, useRouter, useRouterState } from '@tanstack/react-router';
import { useCallback, useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { useNames } from '@/app/assets';
import type { PayStep } from '@/app/router';
import { useMe } from '@/app/session';
import { figuresText } from '@/money/figures';
import { StepStaff } from '@/ui/StepStaff';
import { CheckStep } from './CheckStep';
import { ConfirmStep } from './ConfirmStep';
import { changeDraft, clearDraft, type Draft, useDraft } from './draft';
import { GetStep } from './GetStep';
import { insideOf } from './inside';
import css from './pay.module.css';
import { TransferStep } from './TransferStep';
import { WithStep } from './WithStep';

const route = getRouteApi('/inside/pay');
const STEPS: readonly PayStep[] = ['get', 'with', 'check', 'confirm'];

/** The furthest step that the draft can carry: an address bar cannot skip a question. */
export function furthest(draft: Draft): PayStep {
  if (draft.withdrawal || draft.transfer) return 'confirm';
  if (draft.review) return 'check';
  if (draft.asset && draft.network && draft.address && (draft.amount || draft.side === 'exact_in'))
    return 'with';
  return 'get';
}

/** The main job: exactly Y reaches address Z, paid with any X one holds. The step is in the URL, the draft in memory. */
export function Pay() {
  const { t } = useTranslation('transactions');
  const me = useMe();
  const router = useRouter();
  const draft = useDraft();
  const names = useNames();
  const asked = route.useSearch().step ?? 'get';
  const pasted = useRouterState({ select: (state) => state.location.state.pasted });
  const saved = useRouterState({ select: (state) => state.location.state.saved });

  useEffect(() => {
    if (draft.owner !== me.id) clearDraft(me.id);
  }, [draft.owner, me.id]);
  useEffect(() => {
    if ((pasted === undefined && saved === undefined) || draft.owner !== me.id) return;
    clearDraft(me.id);
    changeDraft(saved ? { text: saved.address, saved } : { text: pasted ?? '' });
    void router.navigate({ to: '/pay', replace: true, state: {} });
  }, [pasted, saved, me.id, draft.owner, router]);

  const limit = furthest(draft);
  const step = STEPS.indexOf(asked) > STEPS.indexOf(limit) ? limit : asked;
  const go = useCallback(
    (next: PayStep, replace = false) =>
      void router.navigate({ to: '/pay', search: next === 'get' ? {} : { step: next }, replace }),
    [router],
  );
  useEffect(() => {
    if (step !== asked) go(step, true);
  }, [step, asked, go]);

  const inside = draft.transfer !== null || insideOf(draft.text, draft.found) !== null;
  const shown = inside ? STEPS.filter((key) => key === 'get' || key === 'confirm') : STEPS;
  const steps = shown.map((key) => ({ key, name: t(`pay.step.${key}`), note: note(key) }));
  function note(key: PayStep): string | undefined {
    const index = STEPS.indexOf(step);
    if (key === 'get' && index > 0 && draft.transfer) {
      const { amount, asset } = draft.transfer;
      return t('inside.step', { money: figuresText(amount, asset) });
    }
    if (key === 'get' && index > 0 && draft.asset && draft.network) {
      const values = { network: names.network(draft.network), asset: draft.asset };
      return draft.amount && draft.side === 'exact_out'
        ? t('pay.note.get', { ...values, money: figuresText(draft.amount, draft.asset) })
        : t('pay.note.getOpen', values);
    }
    if (key === 'with' && index > 1 && draft.review) {
      return t('pay.note.with', {
        asset: names.asset(draft.review.quote.from_asset),
        speed: t(`pay.speedLower.${draft.speed}`),
      });
    }
    if (key === 'confirm') return t('pay.note.confirm');
    return undefined;
  }

  return (
    <div className={css.page}>
      <StepStaff
        steps={steps}
        now={shown.indexOf(step)}
        label={t('pay.steps')}
        onBack={(key) => go(STEPS.find((known) => known === key) ?? 'get')}
      />
      {step === 'get' && <GetStep onDone={() => go('with')} onInside={() => go('confirm')} />}
      {step === 'with' && <WithStep onBack={() => go('get')} onDone={() => go('check')} />}
      {step === 'check' && (
        <CheckStep onBack={() => go('with')} onChange={() => go('get')} onDone={() => go('confirm')} />
      )}
      {step === 'confirm' &&
        (draft.transfer ? (
          <TransferStep onGone={() => go('get', true)} />
        ) : (
          <ConfirmStep onGone={() => go('with', true)} />
        ))}
    </div>
  );
}
