import { Button, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import { type FormEvent, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNames } from '@/app/assets';
import { useMe } from '@/app/session';
import { beneficiariesDelete, beneficiariesRename } from '@/client/sdk.gen';
import type { BeneficiariesListResponse } from '@/client/types.gen';
import { Address } from '@/ui/Address';
import { announce } from '@/ui/announce';
import { useServerNow } from '@/ui/clock';
import { FieldProblem } from '@/ui/ProblemNote';
import { type Standing, StatusBadge } from '@/ui/StatusBadge';
import { moment } from '@/ui/time';
import css from './addresses.module.css';
import { ConfirmAddress } from './ConfirmAddress';
import { timeLeft } from './cooling';

export type Saved = BeneficiariesListResponse['items'][number];

const STANDING: Record<Saved['state'], Standing> = {
  pending_confirmation: 'waiting',
  cooling_down: 'moving',
  active: 'done',
  suspended: 'waiting',
  archived: 'over',
};

interface Props {
  item: Saved;
  confirming: boolean;
  onConfirming: (open: boolean) => void;
  onChanged: () => Promise<void>;
}

/** One saved address, whole, with where it stands and what can be done with it. */
export function AddressRow({ item, confirming, onConfirming, onChanged }: Props) {
  const { t } = useTranslation('addresses');
  const names = useNames();
  const me = useMe();
  const router = useRouter();
  const [doing, setDoing] = useState<'rename' | 'delete' | null>(null);
  const now = useServerNow(60_000);
  const pay = () => {
    const { id, label, asset, network, address } = item;
    void router.navigate({ to: '/pay', state: { saved: { id, label, asset, network, address } } });
  };
  return (
    <li data-beneficiary={item.id} data-state={item.state}>
      <div className={css.name}>
        <strong>{item.label}</strong>
        <StatusBadge standing={STANDING[item.state]} word={t(`state.${item.state}`)} />
      </div>
      <p className={css.note}>
        {t('row.on', { asset: item.asset, network: names.network(item.network) })} ·{' '}
        {item.last_paid_at ? t('row.lastPaid', { time: moment(item.last_paid_at, now) }) : t('row.never')}
      </p>
      <Address address={item.address} perLine={12} />
      {item.state === 'cooling_down' && item.available_at && (
        <Cooling availableAt={item.available_at} onOver={onChanged} />
      )}
      {item.state === 'suspended' && <p className={css.look}>{t('row.suspendedText')}</p>}
      {item.state === 'pending_confirmation' && item.warnings.includes('lookalike_address') && (
        <p className={css.look}>{t('row.alike')}</p>
      )}
      {confirming && item.state === 'pending_confirmation' ? (
        <ConfirmAddress item={item} onLater={() => onConfirming(false)} onDone={onChanged} />
      ) : doing === 'rename' ? (
        <Rename item={item} onEnd={() => setDoing(null)} onChanged={onChanged} />
      ) : doing === 'delete' ? (
        <Delete item={item} onEnd={() => setDoing(null)} onChanged={onChanged} />
      ) : (
        <div className={css.small}>
          {item.state === 'active' && (
            <Button variant="default" onClick={pay} aria-label={t('row.payLabel', { label: item.label })}>
              {t('row.pay')}
            </Button>
          )}
          {item.state === 'pending_confirmation' && me.factors.length > 0 && (
            <Button
              variant="default"
              onClick={() => onConfirming(true)}
              aria-label={t('row.confirmLabel', { label: item.label })}
            >
              {t('row.confirm')}
            </Button>
          )}
          <Button
            variant="subtle"
            onClick={() => setDoing('rename')}
            aria-label={t('row.renameLabel', { label: item.label })}
          >
            {t('row.rename')}
          </Button>
          <Button
            variant="subtle"
            onClick={() => setDoing('delete')}
            aria-label={t('row.deleteLabel', { label: item.label })}
          >
            {t('row.delete')}
          </Button>
        </div>
      )}
    </li>
  );
}

/** The time that is left, to the second when it is short; when it is over the list is read again. */
function Cooling({ availableAt, onOver }: { availableAt: string; onOver: () => Promise<void> }) {
  const { t } = useTranslation('addresses');
  const now = useServerNow();
  const left = timeLeft(availableAt, now);
  const over = left === null;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when it is over.
  useEffect(() => {
    if (over) void onOver();
  }, [over]);
  if (left === null) return null;
  return (
    <p className={css.note} role="timer" aria-live="off">
      {t('row.usable', { time: moment(availableAt, now), left })}
    </p>
  );
}

interface ActProps {
  item: Saved;
  onEnd: () => void;
  onChanged: () => Promise<void>;
}

function Rename({ item, onEnd, onChanged }: ActProps) {
  const { t } = useTranslation('addresses');
  const [label, setLabel] = useState(item.label);
  const rename = useMutation({
    mutationFn: async (name: string) =>
      beneficiariesRename({
        path: { beneficiary_id: item.id },
        body: { label: name },
        throwOnError: true,
      }),
    onSuccess: async (_, name) => {
      announce(t('row.renamed', { label: name }));
      await onChanged();
      onEnd();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const name = label.trim();
    if (name) rename.mutate(name);
  };
  return (
    <form className={css.inline} onSubmit={submit} noValidate>
      <TextInput
        label={t('form.label')}
        value={label}
        onChange={(event) => setLabel(event.currentTarget.value)}
        maxLength={64}
        data-autofocus
        ref={focused}
        error={label.trim() ? undefined : t('form.labelEmpty')}
      />
      {rename.error && <FieldProblem error={rename.error} />}
      <div className={css.acts}>
        <Button type="submit" loading={rename.isPending}>
          {t('row.rename')}
        </Button>
        <Button variant="subtle" onClick={onEnd}>
          {t('row.keep')}
        </Button>
      </div>
    </form>
  );
}

/** Asks once more; the safe answer has the focus. */
function Delete({ item, onEnd, onChanged }: ActProps) {
  const { t } = useTranslation('addresses');
  const remove = useMutation({
    mutationFn: async () => beneficiariesDelete({ path: { beneficiary_id: item.id }, throwOnError: true }),
    onSuccess: async () => {
      announce(t('row.deleted', { label: item.label }));
      await onChanged();
    },
  });
  return (
    <div className={css.inline}>
      <p>{t('row.sure', { label: item.label })}</p>
      {remove.error && <FieldProblem error={remove.error} />}
      <div className={css.acts}>
        <Button variant="default" onClick={onEnd} ref={focused}>
          {t('row.keep')}
        </Button>
        <Button variant="subtle" loading={remove.isPending} onClick={() => remove.mutate()}>
          {t('row.deleteYes')}
        </Button>
      </div>
    </div>
  );
}

/** Takes the focus when it appears: what was pressed to open it is gone. */
function focused(element: HTMLElement | null): void {
  element?.focus();
}
