import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Clock, Configuration } from '#platform';
import { readBuildManifest } from './build-manifest.js';
import { checklist } from './checklist.js';
import { ControlRunner } from './control-runner.js';
import { ControlContexts } from './control-contexts.js';
import { controls } from './controls/index.js';
import { composeReport, type ReadinessReport } from './report.js';

/** Milliseconds that a report right after the start waits for first results. */
const PATIENCE = 3_000;

/** Keeps the controls going and composes what they found into the report. */
@Injectable()
export class ReadinessReporter implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly runner: ControlRunner;
  private readonly manifest = readBuildManifest();

  constructor(
    private readonly contexts: ControlContexts,
    private readonly configuration: Configuration,
    private readonly clock: Clock,
    private readonly host: HttpAdapterHost,
  ) {
    this.runner = new ControlRunner(checklist, controls, () => this.contexts.current(), clock);
  }

  /** Probes speak to the server as outsiders do, so they begin when it listens; in tests, when a report is asked for. */
  onApplicationBootstrap(): void {
    if (this.configuration.environment === 'test') return;
    const server = this.host.httpAdapter.getHttpServer() as {
      once(event: 'listening', then: () => void): void;
    };
    server.once('listening', () => this.start());
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.runner.stop();
    await this.contexts.close();
  }

  /** Every item of the checklist with its state and evidence, as of now. */
  async report(): Promise<ReadinessReport> {
    this.start();
    await this.runner.firstResults(PATIENCE);
    const subject = {
      version: this.manifest?.version ?? 'unknown',
      commit: this.manifest?.commit ?? 'unknown',
      instance: this.contexts.instance,
      environment: this.configuration.environment,
    };
    return composeReport(checklist, this.runner.results, subject, this.clock.now(), (id) =>
      this.runner.covers(id) ? 'controlled' : 'uncontrolled',
    );
  }

  private start(): void {
    if (this.runner.started) return;
    this.contexts.vitals.start();
    this.runner.start();
  }
}
