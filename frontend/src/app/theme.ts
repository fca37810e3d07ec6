import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core';
import { config } from './config';

/** Tide: the one hue of the house. An operator's brand replaces this scale, and through it deep, link and the waters. */
const tide: MantineColorsTuple = [
  '#EFF4F4',
  '#DAE9EB',
  '#B4D3D8',
  '#86CCD6',
  '#5E9AA5',
  '#47848F',
  '#2F6C79',
  '#1B5E6C',
  '#0E5362',
  '#093E4A',
];

/** name → [light, dark]. Every pair is measured in the design; change one and measure again. */
const tokens = {
  page: ['#EFF4F4', '#071920'],
  surface: ['#FFFFFF', '#0D242D'],
  sunken: ['#E3EBEC', '#051319'],
  ink: ['#0C262F', '#E6F0F1'],
  ink2: ['#38525C', '#B1C7CC'],
  ink3: ['#50676F', '#93ACB3'],
  line: ['#C8D6D9', '#24424D'],
  line2: ['#72888F', '#6C8A93'],
  water1: ['#DAE9EB', '#12343F'],
  water2: ['#B4D3D8', '#1B4E5B'],
  water3: ['#47848F', '#4E96A3'],
  deep: ['#0E5362', '#86CCD6'],
  deepHover: ['#093E4A', '#A5DAE2'],
  onDeep: ['#FFFFFF', '#06252D'],
  link: ['#0E5362', '#93D2DB'],
  ok: ['#1B6542', '#86CFA6'],
  okBg: ['#DFEFE6', '#123529'],
  amber: ['#7F4C00', '#F0C06A'],
  amberBg: ['#FBEDD2', '#33270F'],
  red: ['#9B241D', '#F4A59D'],
  redBg: ['#FBE9E6', '#381815'],
  redLine: ['#C4463D', '#C9574D'],
  shadow: ['0 8px 24px rgba(12,38,47,.10)', '0 8px 24px rgba(0,0,0,.45)'],
} as const satisfies Record<string, readonly [string, string]>;

const { theme: told } = config;
/** What the brand decides, from the server, which has judged that it can be read; ours while there is no server. */
const brand = told.shades.length === 10 ? ([told.light, told.dark] as const) : null;

function carried(name: keyof typeof tokens, index: 0 | 1): string {
  const own = brand?.[index];
  switch (name) {
    case 'deepHover':
      return own?.deep_hover ?? tokens.deepHover[index];
    case 'onDeep':
      return own?.on_deep ?? tokens.onDeep[index];
    case 'deep':
    case 'link':
    case 'water1':
    case 'water2':
    case 'water3':
      return own?.[name] ?? tokens[name][index];
    default:
      return tokens[name][index];
  }
}

function scheme(index: 0 | 1): Record<string, string> {
  const written: Record<string, string> = {};
  for (const name of Object.keys(tokens) as (keyof typeof tokens)[])
    written[`--tg-${name}`] = carried(name, index);
  return {
    ...written,
    '--mantine-color-body': tokens.page[index],
    '--mantine-color-text': tokens.ink[index],
    '--mantine-color-dimmed': tokens.ink2[index],
    '--mantine-color-placeholder': tokens.ink3[index],
    '--mantine-color-anchor': carried('link', index),
    '--mantine-color-default': tokens.surface[index],
    '--mantine-color-default-color': tokens.ink[index],
    '--mantine-color-default-border': tokens.line2[index],
    '--mantine-color-default-hover': tokens.sunken[index],
    '--mantine-color-error': tokens.red[index],
    '--mantine-color-tide-filled': carried('deep', index),
    '--mantine-color-tide-filled-hover': carried('deepHover', index),
    '--mantine-primary-color-filled': carried('deep', index),
    '--mantine-primary-color-filled-hover': carried('deepHover', index),
    '--mantine-primary-color-contrast': carried('onDeep', index),
  };
}

export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: scheme(0),
  dark: scheme(1),
});

/** The faces of an operator's directory are fetched when they are first used, like ours. */
for (const { family, url, style, weight } of told.faces) {
  document.fonts.add(new FontFace(family, `url(${url})`, { style, weight, display: 'swap' }));
}

const first = (face: string | null, ours: string) => (face ? `"${face}", ${ours}` : ours);
const sans = '"Hanken Grotesk", "Hanken Fallback", system-ui, sans-serif';

export const theme = createTheme({
  colors: { tide: brand ? (told.shades as MantineColorsTuple) : tide },
  primaryColor: 'tide',
  primaryShade: { light: 8, dark: 3 },
  autoContrast: false,
  fontFamily: first(told.face, sans),
  fontFamilyMonospace: '"Atkinson Hyperlegible Mono", ui-monospace, monospace',
  headings: {
    fontFamily: first(told.heading_face, '"Besley", "Besley Fallback", Georgia, serif'),
    fontWeight: '400',
  },
  defaultRadius: told.radius,
  fontSizes: { xs: '12px', sm: '13px', md: '15px', lg: '17px', xl: '22px' },
  spacing: { xs: '8px', sm: '12px', md: '16px', lg: '24px', xl: '32px' },
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: 'md' } },
    TextInput: { defaultProps: { size: 'md' } },
    Textarea: { defaultProps: { size: 'md' } },
    NativeSelect: { defaultProps: { size: 'md' } },
    // What is said about a field stands beneath it, so that fields in a row stay in line.
    InputWrapper: { defaultProps: { inputWrapperOrder: ['label', 'input', 'description', 'error'] } },
    PasswordInput: { defaultProps: { size: 'md' } },
  },
});
