import { describe, expect, it } from '@jest/globals';
import type { ReadinessReport, ReportItem } from '#readiness';
import { readinessFilter, readinessSections } from './readiness-filter.js';

describe('readiness filter', () => {
  const item = (
    number: number,
    state: ReportItem['state'],
    severity: ReportItem['severity'],
  ): ReportItem => ({
    number,
    id: `item.${number}`,
    title: 'Title',
    section: number < 3 ? 'Security Checklist' : 'Final Checks',
    group: `group ${number}`,
    severity,
    state,
    evidence: { kind: 'probe', seen: 'nothing' },
  });
  const report: ReadinessReport = {
    version: '1',
    commit: 'c',
    instance: 'i',
    environment: 'test',
    generatedAt: '2026-11-24T12:00:00.000Z',
    summary: { verified: 1, failed: 2, unknown: 0, notApplicable: 0 },
    items: [item(1, 'verified', 'critical'), item(2, 'failed', 'critical'), item(3, 'failed', 'important')],
  };

  it('reads known values and ignores all others', () => {
    expect(readinessFilter({ state: 'failed', severity: 'nice-to-have' })).toEqual({
      state: 'failed',
      severity: 'nice-to-have',
    });
    expect(readinessFilter({ state: ['failed'], severity: 'toString' })).toEqual({});
  });

  it('hides items but never changes the counts of a section', () => {
    const sections = readinessSections(report, { state: 'failed', severity: 'critical' });
    expect(
      sections.map(({ slug, name, counts, groups }) => [slug, name, counts.failed, groups.length]),
    ).toEqual([
      ['section-security', 'Security', 1, 1],
      ['section-final-checks', 'Final Checks', 1, 0],
    ]);
    expect(sections[0]?.counts.verified).toBe(1);
    expect(sections[0]?.groups[0]?.items.map(({ number }) => number)).toEqual([2]);
  });
});
