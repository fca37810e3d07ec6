import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { walletsListAssetsOptions } from '@/client/@tanstack/react-query.gen';
import type { WalletsListAssetsResponse } from '@/client/types.gen';

export type AssetTerms = WalletsListAssetsResponse['items'][number];
export type NetworkTerms = AssetTerms['networks'][number];

/** What can be held here and over which networks. It hardly ever changes. */
export function useAssets() {
  return useQuery({ ...walletsListAssetsOptions(), staleTime: 5 * 60_000 });
}

/** Names for codes; a code we have no name for is its own name. */
export function useNames(): { asset: (code: string) => string; network: (code: string) => string } {
  const network = useNetworkName();
  const { data } = useAssets();
  return { asset: (code) => data?.items.find((item) => item.asset === code)?.name ?? code, network };
}

/** A network's name alone, which asks the server nothing: who works here may have no wallets to read. */
export function useNetworkName(): (code: string) => string {
  const { t, i18n } = useTranslation('ui');
  return (code) => (i18n.exists(`ui:network.${code}`) ? t(`network.${code as 'bitcoin'}`) : code);
}

/** "one", "two" … in sentences; figures above twelve. */
export function useNumberWord(): (count: number) => string {
  const { t, i18n } = useTranslation('ui');
  return (count) => (i18n.exists(`ui:number.${count}`) ? t(`number.${count as 1}`) : `${count}`);
}
