import type { DdbItem } from '../data/ion.ts';

/** Items whose partition values need escaping, are absent, or are old; made from the index alone. */
export function regionItems(count: number): DdbItem[] {
  const regions = ['eu/west=1 é%', 'us', '__HIVE_DEFAULT_PARTITION__?', 'a:b', '日本'];
  return Array.from({ length: count }, (_, index) => {
    const day = new Date(
      Date.UTC(1969, 11, 20) + (index % 4) * 86_400_000 * (index % 2 === 0 ? 1 : 997) + index * 61_000,
    );
    return {
      pk: { S: `order#${index}` },
      ...(index % 7 === 0 ? {} : { region: { S: regions[index % regions.length] } }),
      ...(index % 11 === 0 ? {} : { created_at: { S: `${day.toISOString().slice(0, 19)}Z` } }),
      qty: index % 13 === 0 ? { NULL: true } : { N: String((index % 5) - 2) },
      total: { N: `${index % 100}.${index % 10}5` },
      tags: { SS: [`t${index % 3}`, 'x'] },
    };
  });
}
