/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef EXPORT_EXPORTER_INTERNAL_H
#define EXPORT_EXPORTER_INTERNAL_H

/* Of a struct exporter, until its deadline, or until all is sent once it has one. */
void *exporter_thread(void *exporter);

#endif
