import { useSuspenseQuery } from '@tanstack/react-query';
import { authGetMeOptions } from '@/client/@tanstack/react-query.gen';
import type { AuthGetMeResponse } from '@/client/types.gen';

export type Me = AuthGetMeResponse;

/** Who is signed in. Only below the signed-in layout, which has asked before. */
export function useMe(): Me {
  return useSuspenseQuery({ ...authGetMeOptions(), staleTime: 60_000 }).data;
}

export function initials(me: Me): string {
  const name = me.name ?? me.email;
  const [first = '', second = ''] = name.split(/[\s.@_-]+/);
  return (first.slice(0, 1) + (me.name && second ? second.slice(0, 1) : first.slice(1, 2))).toUpperCase();
}
