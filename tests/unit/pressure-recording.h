/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REAPERD_TESTS_PRESSURE_RECORDING_H
#define REAPERD_TESTS_PRESSURE_RECORDING_H

/*
 * What a kernel (6.18, 24 GB, no swap) said: lines of /proc/meminfo while a process filled 6 GB and then
 * ended, and /proc/pressure/memory while another read a file of 100 MB over and over in a cgroup of
 * 48 MB. As they were, but for lines that nobody reads.
 */

#include "base/usec.h"

typedef struct Recorded {
        usec_t at; /* since the recording began */
        const char *text;
} Recorded;

/* clang-format off */
static const Recorded recorded_fill[] = {
        { 1,
          "MemTotal:       24684096 kB\n"
          "MemFree:        22752472 kB\n"
          "MemAvailable:   23977732 kB\n"
          "Cached:          1410272 kB\n"
          "Dirty:               468 kB\n"
          "SReclaimable:     104360 kB\n"
          "SUnreclaim:        34096 kB\n" },
        { 500242,
          "MemTotal:       24684096 kB\n"
          "MemFree:        22801596 kB\n"
          "MemAvailable:   23985204 kB\n"
          "Cached:          1368948 kB\n"
          "Dirty:               476 kB\n"
          "SReclaimable:     103924 kB\n"
          "SUnreclaim:        34072 kB\n" },
        { 1001256,
          "MemTotal:       24684096 kB\n"
          "MemFree:        22809660 kB\n"
          "MemAvailable:   23993268 kB\n"
          "Cached:          1368948 kB\n"
          "Dirty:               476 kB\n"
          "SReclaimable:     103924 kB\n"
          "SUnreclaim:        34072 kB\n" },
        { 1751626,
          "MemTotal:       24684096 kB\n"
          "MemFree:        21632880 kB\n"
          "MemAvailable:   22816496 kB\n"
          "Cached:          1368948 kB\n"
          "Dirty:               476 kB\n"
          "SReclaimable:     103940 kB\n"
          "SUnreclaim:        34064 kB\n" },
        { 2503064,
          "MemTotal:       24684096 kB\n"
          "MemFree:        21366780 kB\n"
          "MemAvailable:   22550396 kB\n"
          "Cached:          1368948 kB\n"
          "Dirty:               476 kB\n"
          "SReclaimable:     103940 kB\n"
          "SUnreclaim:        34064 kB\n" },
        { 3254123,
          "MemTotal:       24684096 kB\n"
          "MemFree:        21092356 kB\n"
          "MemAvailable:   22275972 kB\n"
          "Cached:          1368948 kB\n"
          "Dirty:               476 kB\n"
          "SReclaimable:     103940 kB\n"
          "SUnreclaim:        34064 kB\n" },
        { 4004540,
          "MemTotal:       24684096 kB\n"
          "MemFree:        20834048 kB\n"
          "MemAvailable:   22017664 kB\n"
          "Cached:          1368948 kB\n"
          "Dirty:               476 kB\n"
          "SReclaimable:     103940 kB\n"
          "SUnreclaim:        34064 kB\n" },
        { 4755002,
          "MemTotal:       24684096 kB\n"
          "MemFree:        20559660 kB\n"
          "MemAvailable:   21743288 kB\n"
          "Cached:          1368948 kB\n"
          "Dirty:               476 kB\n"
          "SReclaimable:     103940 kB\n"
          "SUnreclaim:        34064 kB\n" },
        { 5505381,
          "MemTotal:       24684096 kB\n"
          "MemFree:        20293560 kB\n"
          "MemAvailable:   21477188 kB\n"
          "Cached:          1368948 kB\n"
          "Dirty:               476 kB\n"
          "SReclaimable:     103940 kB\n"
          "SUnreclaim:        34064 kB\n" },
        { 6255751,
          "MemTotal:       24684096 kB\n"
          "MemFree:        20066500 kB\n"
          "MemAvailable:   21165996 kB\n"
          "Cached:          1285872 kB\n"
          "Dirty:               520 kB\n"
          "SReclaimable:     103160 kB\n"
          "SUnreclaim:        33996 kB\n" },
        { 7006126,
          "MemTotal:       24684096 kB\n"
          "MemFree:        19792244 kB\n"
          "MemAvailable:   20891868 kB\n"
          "Cached:          1286000 kB\n"
          "Dirty:               504 kB\n"
          "SReclaimable:     103160 kB\n"
          "SUnreclaim:        33996 kB\n" },
        { 7756520,
          "MemTotal:       24684096 kB\n"
          "MemFree:        19510016 kB\n"
          "MemAvailable:   20609640 kB\n"
          "Cached:          1286000 kB\n"
          "Dirty:               504 kB\n"
          "SReclaimable:     103160 kB\n"
          "SUnreclaim:        33996 kB\n" },
        { 8506860,
          "MemTotal:       24684096 kB\n"
          "MemFree:        19235852 kB\n"
          "MemAvailable:   20335476 kB\n"
          "Cached:          1286000 kB\n"
          "Dirty:               504 kB\n"
          "SReclaimable:     103160 kB\n"
          "SUnreclaim:        33996 kB\n" },
        { 9257167,
          "MemTotal:       24684096 kB\n"
          "MemFree:        18953600 kB\n"
          "MemAvailable:   20053224 kB\n"
          "Cached:          1286000 kB\n"
          "Dirty:               504 kB\n"
          "SReclaimable:     103160 kB\n"
          "SUnreclaim:        33996 kB\n" },
        { 10007477,
          "MemTotal:       24684096 kB\n"
          "MemFree:        18695540 kB\n"
          "MemAvailable:   19795164 kB\n"
          "Cached:          1286000 kB\n"
          "Dirty:               504 kB\n"
          "SReclaimable:     103160 kB\n"
          "SUnreclaim:        33996 kB\n" },
        { 10757790,
          "MemTotal:       24684096 kB\n"
          "MemFree:        18429444 kB\n"
          "MemAvailable:   19451072 kB\n"
          "Cached:          1208568 kB\n"
          "Dirty:               608 kB\n"
          "SReclaimable:     102532 kB\n"
          "SUnreclaim:        34180 kB\n" },
        { 11508066,
          "MemTotal:       24684096 kB\n"
          "MemFree:        18173848 kB\n"
          "MemAvailable:   19196336 kB\n"
          "Cached:          1209356 kB\n"
          "Dirty:               740 kB\n"
          "SReclaimable:     102668 kB\n"
          "SUnreclaim:        34584 kB\n" },
        { 12258374,
          "MemTotal:       24684096 kB\n"
          "MemFree:        17897076 kB\n"
          "MemAvailable:   18919736 kB\n"
          "Cached:          1209528 kB\n"
          "Dirty:               832 kB\n"
          "SReclaimable:     102684 kB\n"
          "SUnreclaim:        34396 kB\n" },
        { 13008695,
          "MemTotal:       24684096 kB\n"
          "MemFree:        17614764 kB\n"
          "MemAvailable:   18637412 kB\n"
          "Cached:          1209524 kB\n"
          "Dirty:               868 kB\n"
          "SReclaimable:     102664 kB\n"
          "SUnreclaim:        34352 kB\n" },
        { 13759030,
          "MemTotal:       24684096 kB\n"
          "MemFree:        17340612 kB\n"
          "MemAvailable:   18363504 kB\n"
          "Cached:          1209716 kB\n"
          "Dirty:               912 kB\n"
          "SReclaimable:     102664 kB\n"
          "SUnreclaim:        34356 kB\n" },
        { 14509383,
          "MemTotal:       24684096 kB\n"
          "MemFree:        17098656 kB\n"
          "MemAvailable:   18121548 kB\n"
          "Cached:          1209716 kB\n"
          "Dirty:               912 kB\n"
          "SReclaimable:     102664 kB\n"
          "SUnreclaim:        34356 kB\n" },
        { 15259790,
          "MemTotal:       24684096 kB\n"
          "MemFree:        16817460 kB\n"
          "MemAvailable:   17840352 kB\n"
          "Cached:          1209716 kB\n"
          "Dirty:               912 kB\n"
          "SReclaimable:     102664 kB\n"
          "SUnreclaim:        34356 kB\n" },
        { 16010157,
          "MemTotal:       24684096 kB\n"
          "MemFree:        16740996 kB\n"
          "MemAvailable:   17733052 kB\n"
          "Cached:          1180112 kB\n"
          "Dirty:               912 kB\n"
          "SReclaimable:     102460 kB\n"
          "SUnreclaim:        34356 kB\n" },
        { 16760569,
          "MemTotal:       24684096 kB\n"
          "MemFree:        17983776 kB\n"
          "MemAvailable:   18975832 kB\n"
          "Cached:          1180112 kB\n"
          "Dirty:               912 kB\n"
          "SReclaimable:     102460 kB\n"
          "SUnreclaim:        34356 kB\n" },
        { 17511020,
          "MemTotal:       24684096 kB\n"
          "MemFree:        22648152 kB\n"
          "MemAvailable:   23640208 kB\n"
          "Cached:          1180112 kB\n"
          "Dirty:               912 kB\n"
          "SReclaimable:     102460 kB\n"
          "SUnreclaim:        34356 kB\n" },
        { 18261351,
          "MemTotal:       24684096 kB\n"
          "MemFree:        22656216 kB\n"
          "MemAvailable:   23648256 kB\n"
          "Cached:          1180112 kB\n"
          "Dirty:               912 kB\n"
          "SReclaimable:     102428 kB\n"
          "SUnreclaim:        34356 kB\n" },
        { 19011716,
          "MemTotal:       24684096 kB\n"
          "MemFree:        22656216 kB\n"
          "MemAvailable:   23648256 kB\n"
          "Cached:          1180112 kB\n"
          "Dirty:               912 kB\n"
          "SReclaimable:     102428 kB\n"
          "SUnreclaim:        34356 kB\n" },
        { 19762069,
          "MemTotal:       24684096 kB\n"
          "MemFree:        22659888 kB\n"
          "MemAvailable:   23651988 kB\n"
          "Cached:          1180112 kB\n"
          "Dirty:                28 kB\n"
          "SReclaimable:     102428 kB\n"
          "SUnreclaim:        34364 kB\n" },
};

static const Recorded recorded_thrash[] = {
        { 154,
          "some avg10=0.00 avg60=0.00 avg300=0.00 total=188702\n"
          "full avg10=0.00 avg60=0.00 avg300=0.00 total=26504\n" },
        { 500379,
          "some avg10=0.00 avg60=0.00 avg300=0.00 total=188702\n"
          "full avg10=0.00 avg60=0.00 avg300=0.00 total=26504\n" },
        { 1001158,
          "some avg10=0.00 avg60=0.00 avg300=0.00 total=188702\n"
          "full avg10=0.00 avg60=0.00 avg300=0.00 total=26504\n" },
        { 1301437,
          "some avg10=0.00 avg60=0.00 avg300=0.00 total=197338\n"
          "full avg10=0.00 avg60=0.00 avg300=0.00 total=34989\n" },
        { 1602308,
          "some avg10=0.00 avg60=0.00 avg300=0.00 total=206447\n"
          "full avg10=0.00 avg60=0.00 avg300=0.00 total=43565\n" },
        { 1902724,
          "some avg10=0.00 avg60=0.00 avg300=0.00 total=215584\n"
          "full avg10=0.00 avg60=0.00 avg300=0.00 total=52230\n" },
        { 2203061,
          "some avg10=0.00 avg60=0.00 avg300=0.00 total=225685\n"
          "full avg10=0.00 avg60=0.00 avg300=0.00 total=61489\n" },
        { 2503399,
          "some avg10=0.00 avg60=0.00 avg300=0.00 total=235283\n"
          "full avg10=0.00 avg60=0.00 avg300=0.00 total=70570\n" },
        { 2803811,
          "some avg10=0.00 avg60=0.00 avg300=0.00 total=243271\n"
          "full avg10=0.00 avg60=0.00 avg300=0.00 total=78127\n" },
        { 3104178,
          "some avg10=0.36 avg60=0.06 avg300=0.01 total=253476\n"
          "full avg10=0.36 avg60=0.06 avg300=0.01 total=87775\n" },
        { 3405167,
          "some avg10=0.36 avg60=0.06 avg300=0.01 total=263973\n"
          "full avg10=0.36 avg60=0.06 avg300=0.01 total=96000\n" },
        { 3706810,
          "some avg10=0.36 avg60=0.06 avg300=0.01 total=273620\n"
          "full avg10=0.36 avg60=0.06 avg300=0.01 total=104884\n" },
        { 4007161,
          "some avg10=0.36 avg60=0.06 avg300=0.01 total=283199\n"
          "full avg10=0.36 avg60=0.06 avg300=0.01 total=113230\n" },
        { 4307525,
          "some avg10=0.36 avg60=0.06 avg300=0.01 total=292947\n"
          "full avg10=0.36 avg60=0.06 avg300=0.01 total=122502\n" },
        { 4607917,
          "some avg10=0.36 avg60=0.06 avg300=0.01 total=301011\n"
          "full avg10=0.36 avg60=0.06 avg300=0.01 total=130087\n" },
        { 4908285,
          "some avg10=0.36 avg60=0.06 avg300=0.01 total=308990\n"
          "full avg10=0.36 avg60=0.06 avg300=0.01 total=137584\n" },
        { 5208767,
          "some avg10=0.84 avg60=0.16 avg300=0.03 total=317281\n"
          "full avg10=0.65 avg60=0.12 avg300=0.02 total=145321\n" },
        { 5509112,
          "some avg10=0.84 avg60=0.16 avg300=0.03 total=317281\n"
          "full avg10=0.65 avg60=0.12 avg300=0.02 total=145321\n" },
        { 5809506,
          "some avg10=0.84 avg60=0.16 avg300=0.03 total=317281\n"
          "full avg10=0.65 avg60=0.12 avg300=0.02 total=145321\n" },
        { 6109861,
          "some avg10=0.84 avg60=0.16 avg300=0.03 total=317281\n"
          "full avg10=0.65 avg60=0.12 avg300=0.02 total=145321\n" },
};
/* clang-format on */

#endif
