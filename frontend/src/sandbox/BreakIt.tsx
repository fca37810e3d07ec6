import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { DemoCodes } from '@/app/DemoCodes';
import { Mailbox } from '@/app/Mailbox';
import { useMe } from '@/app/session';
import { sandboxMineMutation } from '@/client/@tanstack/react-query.gen';
import { announce } from '@/ui/announce';
import { Heading } from '@/ui/Heading';
import { FieldProblem } from '@/ui/ProblemNote';
import { Slip } from '@/ui/Slip';
import css from './break.module.css';
import { Faults } from './Faults';
import { StaysTrue } from './StaysTrue';

const NETWORKS = ['bitcoin', 'ethereum'] as const;

/** Switches that really break running parts, and what must stay true meanwhile. */
export function BreakIt() {
  const { t } = useTranslation('sandbox');
  const me = useMe();
  const mine = useMutation({
    ...sandboxMineMutation(),
    onSuccess: ({ height }) => announce(t('mine.done', { height })),
  });
  return (
    <div>
      <header className={css.head}>
        <Heading title={t('break.title')}>{t('break.heading')}</Heading>
        <p>{t('break.lead')}</p>
      </header>
      <div className={css.page}>
        <section aria-labelledby="faults">
          <h2 id="faults">{t('fault.title')}</h2>
          <Faults />
          <div className={css.row}>
            {NETWORKS.map((network) => (
              <Button
                key={network}
                variant="default"
                loading={mine.isPending && mine.variables.body.network === network}
                onClick={() => mine.mutate({ body: { network, blocks: 1 } })}
              >
                {t(`mine.${network}`)}
              </Button>
            ))}
            <Button component={Link} to="/deposit" variant="default">
              {t('coins')}
            </Button>
          </div>
          {mine.error && <FieldProblem error={mine.error} />}
        </section>
        <StaysTrue />
        <aside>
          <Slip>
            <DemoCodes heading={t('codes')} />
            <Mailbox email={me.email} />
          </Slip>
        </aside>
      </div>
    </div>
  );
}
