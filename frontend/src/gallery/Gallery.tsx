import { getRouteApi, Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { Heading } from '@/ui/Heading';
import css from './gallery.module.css';
import { PARTS, type Part } from './parts';

const route = getRouteApi('/inside/dev/gallery/{-$part}');

/** The parts that every screen is made of, each with all its states. Only in a sandbox. */
export function Gallery() {
  const { t } = useTranslation('dev');
  const { part } = route.useParams();
  const shown = PARTS.find((one) => one.name === part) ?? null;
  return (
    <div className={css.page}>
      <nav aria-label={t('gallery.label')} className={css.nav}>
        {PARTS.map(({ name }) => (
          <Link key={name} to="/dev/gallery/{-$part}" params={{ part: name }}>
            {name}
          </Link>
        ))}
      </nav>
      {shown ? <Shown part={shown} /> : <Index />}
    </div>
  );
}

function Index() {
  const { t } = useTranslation('dev');
  return (
    <div className={css.main}>
      <Heading title={t('gallery.title')} arrival="index">
        {t('gallery.heading')}
      </Heading>
      <p>{t('gallery.lead')}</p>
    </div>
  );
}

function Shown({ part }: { part: Part }) {
  const { t } = useTranslation('dev');
  return (
    <div className={css.main}>
      <Heading title={part.name} arrival={part.name}>
        {part.name}
      </Heading>
      <p className={css.lead}>{t(`part.${part.name}`)}</p>
      {part.examples.map(({ name, Example }) => (
        <section key={name} className={css.example} aria-label={t(`example.${name}`)}>
          <h2>{t(`example.${name}`)}</h2>
          <div>
            <Example />
          </div>
        </section>
      ))}
    </div>
  );
}
