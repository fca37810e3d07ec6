import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useRouter, useRouterState } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { sandboxInvoice } from '@/client/sdk.gen';
import { FieldProblem } from '@/ui/ProblemNote';
import { useMe } from './session';
import css from './Tour.module.css';
import { goTo, stepAt, useTourStep } from './tourSteps';

const WALK = ['pay', 'watch', 'break'] as const;

/** The first minute in a sandbox, over whichever page is open. It is offered at home and can be left at any time. */
export function Tour() {
  const { t } = useTranslation('tour');
  const router = useRouter();
  const me = useMe();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const step = useTourStep();
  const due = stepAt(step, path);
  useEffect(() => {
    if (due !== step) goTo(due);
  }, [due, step]);
  const take = useMutation({
    mutationFn: async () => (await sandboxInvoice({ throwOnError: true })).data,
    onSuccess: ({ text }) => {
      goTo('pay');
      void router.navigate({ to: '/pay', state: { pasted: text } });
    },
  });
  const able = me.factors.length > 0 && me.permissions.includes('transactions.withdraw');
  if (due === 'done' || !able || (due === 'offer' && path !== '/')) return null;
  const at = WALK.indexOf(due as 'pay') + 1;
  return (
    <section className={css.tour} aria-label={t('tour.label')} data-tour={due}>
      <div className={css.inner}>
        <p>
          <strong>{t(`tour.${due}.title`)}</strong> {t(`tour.${due}.text`)}
        </p>
        <div className={css.acts}>
          {at > 0 && <span className={css.at}>{t('tour.at', { step: at, count: WALK.length })}</span>}
          {(due === 'offer' || (due === 'pay' && path !== '/pay')) && (
            <Button size="sm" loading={take.isPending} onClick={() => take.mutate()}>
              {t('tour.offer.act')}
            </Button>
          )}
          {due === 'watch' && (
            <Button size="sm" onClick={() => void router.navigate({ to: '/break' })}>
              {t('tour.watch.act')}
            </Button>
          )}
          <Button size="sm" variant="subtle" onClick={() => goTo('done')}>
            {t(due === 'break' ? 'tour.finish' : 'tour.leave')}
          </Button>
        </div>
        {take.error && <FieldProblem error={take.error} />}
      </div>
    </section>
  );
}
