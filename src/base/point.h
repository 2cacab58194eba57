/* Named points at which a test may kill the process: `TARN_KILL_AT=commit.written` (or `name:3` for the third time
 * it is passed) sends SIGKILL to this process there. One branch on a static flag where the variable is unset. */
#ifndef TARN_BASE_POINT_H
#define TARN_BASE_POINT_H

void tarn_point(const char *name);

#endif
