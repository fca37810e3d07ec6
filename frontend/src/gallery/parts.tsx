import { type FC, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { LiveDot } from '@/app/LiveDot';
import { tidy } from '@/app/recognise';
import { typed } from '@/money/typed';
import { Address } from '@/ui/Address';
import { AddressInput } from '@/ui/AddressInput';
import { Amount } from '@/ui/Amount';
import { AmountInput } from '@/ui/AmountInput';
import { Countdown } from '@/ui/Countdown';
import { serverNow } from '@/ui/clock';
import { ProblemNote } from '@/ui/ProblemNote';
import { Problem } from '@/ui/problem';
import { StatusBadge } from '@/ui/StatusBadge';
import { StepUp } from '@/ui/StepUp';

const EVM = '0x52908400098527886E0F7030069857D2E4169EE7';
const BITCOIN = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const STANDINGS = ['done', 'moving', 'waiting', 'over'] as const;

function TypedAmount() {
  const { t } = useTranslation('dev');
  const [text, setText] = useState('0.00000001');
  const read = typed(text, 8);
  return (
    <AmountInput
      label={t('sample.amount')}
      value={text}
      onChange={setText}
      unit="BTC"
      description={read.ok ? t('sample.read', { amount: read.amount }) : undefined}
      error={read.ok ? undefined : t('sample.unread', { reason: read.reason })}
    />
  );
}

function PastedAddress() {
  const { t } = useTranslation('dev');
  const [text, setText] = useState(`${EVM.slice(0, 20)} ${EVM.slice(20)}`);
  const clean = tidy(text);
  return (
    <>
      <AddressInput
        label={t('sample.address')}
        value={text}
        onChange={setText}
        removed={clean.removed}
        error={clean.text ? undefined : t('sample.empty')}
      />
      {clean.text && <Address address={clean.text} perLine={5} />}
    </>
  );
}

function Running({ compact }: { compact?: boolean }) {
  const { t } = useTranslation('dev');
  const [life, setLife] = useState(() => new Date(serverNow() + 65_000).toISOString());
  return (
    <Countdown
      expiresAt={life}
      life={65}
      thing={t('sample.price')}
      note={t('sample.firm')}
      onExpired={() => setLife(new Date(serverNow() + 65_000).toISOString())}
      compact={compact ?? false}
    />
  );
}

function Confirming() {
  const { t } = useTranslation('dev');
  const [error, setError] = useState<unknown>(null);
  const refuse = () => setError(new Problem('invalid_code', 422, null, {}, ''));
  return (
    <StepUp about={t('sample.about')} act={t('sample.act')} pending={false} error={error} onCode={refuse} />
  );
}

function Refused({ code }: { code: string }) {
  const { t } = useTranslation('dev');
  const problem = new Problem(code, 503, '0190b7c2', { retry_after: 5 }, '');
  return <ProblemNote error={problem} money={t('sample.money')} onRetry={() => undefined} />;
}

function Badges() {
  const { t } = useTranslation('dev');
  return STANDINGS.map((standing) => (
    <p key={standing}>
      <StatusBadge standing={standing} word={t(`sample.standing.${standing}`)} />
    </p>
  ));
}

interface Named {
  readonly name: string;
}

/** Every state that a part can be in, as it is in the app: nothing here is drawn for the gallery. */
export const PARTS = [
  {
    name: 'Amount',
    examples: [
      { name: 'settled', Example: () => <Amount amount="1250.00000000" asset="BTC" /> },
      { name: 'full', Example: () => <Amount amount="0.12000000" asset="BTC" form="full" /> },
      { name: 'afloat', Example: () => <Amount amount="500.000000" asset="USDT" afloat strong /> },
      { name: 'longest', Example: () => <Amount amount="0.123456789012345678" asset="ETH" /> },
      { name: 'nothing', Example: () => <Amount amount="0" asset="USDC" dash /> },
    ],
  },
  { name: 'AmountInput', examples: [{ name: 'typed', Example: TypedAmount }] },
  {
    name: 'Address',
    examples: [
      { name: 'evm', Example: () => <Address address={EVM} /> },
      { name: 'bitcoin', Example: () => <Address address={BITCOIN} perLine={4} size="large" /> },
    ],
  },
  { name: 'AddressInput', examples: [{ name: 'pasted', Example: PastedAddress }] },
  {
    name: 'Countdown',
    examples: [
      { name: 'running', Example: () => <Running /> },
      { name: 'compact', Example: () => <Running compact /> },
    ],
  },
  { name: 'StepUp', examples: [{ name: 'refused', Example: Confirming }] },
  { name: 'StatusBadge', examples: [{ name: 'standings', Example: Badges }] },
  {
    name: 'Problem',
    examples: [
      { name: 'noAnswer', Example: () => <Refused code="no_answer" /> },
      { name: 'away', Example: () => <Refused code="venue_unavailable" /> },
      { name: 'unknown', Example: () => <Refused code="never_heard_of" /> },
    ],
  },
  { name: 'LiveDot', examples: [{ name: 'now', Example: LiveDot }] },
] as const satisfies readonly (Named & { examples: readonly (Named & { Example: FC })[] })[];
export type Part = (typeof PARTS)[number];
