import { useTranslation } from 'react-i18next';

/** A venue as people call it. One we have no name for is called as the settings call it, with a capital. */
export function useVenue(): (code: string) => string {
  const { t, i18n } = useTranslation('exchange');
  return (code) =>
    i18n.exists(`exchange:venue.${code}`)
      ? t(`venue.${code as 'binance'}`)
      : code.charAt(0).toUpperCase() + code.slice(1);
}
