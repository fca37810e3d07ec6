import { Menu, UnstyledButton, useMantineColorScheme, VisuallyHidden } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { authLogoutMutation } from '@/client/@tanstack/react-query.gen';
import { config } from './config';
import { PLACES } from './places';
import { initials, useMe } from './session';
import css from './shell.module.css';
import { forgetVisit } from './visit';

const SCHEMES = ['auto', 'light', 'dark'] as const;

/** What belongs to the person, and on a phone every place too. It comes after the page: a menu is heavy. */
export function AccountMenu() {
  const { t } = useTranslation('app');
  const me = useMe();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const router = useRouter();
  const queries = useQueryClient();
  const logout = useMutation({
    ...authLogoutMutation(),
    onSettled: async () => {
      forgetVisit();
      await router.navigate({ to: '/sign-in', search: { because: 'signed_out' } });
      queries.clear();
    },
  });
  return (
    <Menu
      withinPortal={false}
      withInitialFocusPlaceholder={false}
      position="bottom-end"
      width={248}
      offset={10}
      returnFocus
      transitionProps={{ duration: 0 }}
    >
      <Menu.Target>
        <UnstyledButton className={css.account}>
          <span aria-hidden="true">{initials(me)}</span>
          <VisuallyHidden>{t('account.open', { email: me.email })}</VisuallyHidden>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown className={css.menu}>
        <Menu.Label>{me.email}</Menu.Label>
        {PLACES.map(({ to, key }) => (
          <Menu.Item key={to} className={css.onPhone ?? ''} onClick={() => void router.navigate({ to })}>
            {t(`nav.${key}`)}
          </Menu.Item>
        ))}
        <Menu.Divider className={css.onPhone ?? ''} />
        <Menu.Item onClick={() => void router.navigate({ to: '/settings' })}>
          {t('account.settings')}
        </Menu.Item>
        <Menu.Item onClick={() => void router.navigate({ to: '/security' })}>
          {t('account.security')}
        </Menu.Item>
        {config.features.webhooks && (
          <Menu.Item onClick={() => void router.navigate({ to: '/webhooks' })}>
            {t('account.webhooks')}
          </Menu.Item>
        )}
        <Menu.Item onClick={() => logout.mutate({})}>{t('account.signOut')}</Menu.Item>
        <Menu.Divider />
        <Menu.RadioGroup
          value={colorScheme}
          onChange={(chosen) => setColorScheme(SCHEMES.find((scheme) => scheme === chosen) ?? 'auto')}
        >
          {SCHEMES.map((scheme) => (
            <Menu.RadioItem key={scheme} value={scheme} closeMenuOnClick={false}>
              {t(`scheme.${scheme}`)}
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
      </Menu.Dropdown>
    </Menu>
  );
}
