package org.ferlarq.demo.live

import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

class HistoryTest {
    private val history = History(listOf("happy", "sad"))

    @Test
    fun `it keeps the last thirty seconds, ten samples each, and never more`() {
        for (frame in 0 until 10_000) history.add(33L * frame, floatArrayOf(frame / 10_000f, 0f))
        val span = history.newest - history.timeOf(0)
        assertTrue("$span", span in 29_000..30_000)
        assertTrue("${history.count}", history.count in 220..301)
        assertEquals(0.9996f, history.probability(history.count - 1, 0), 0.001f)
        for (i in 1 until history.count) assertTrue(history.timeOf(i) - history.timeOf(i - 1) >= 100)
    }

    @Test
    fun `the table has a row for each sample and nothing where no face was seen`() {
        history.add(1000, floatArrayOf(0.75f, 0.25f))
        history.add(1050, floatArrayOf(0f, 1f)) // too soon after the one before
        history.add(2000, null)
        history.add(3500, floatArrayOf(0.5f, 0.5f))
        val expected = "seconds,happy,sad\n-2.50,0.7500,0.2500\n-1.50,,\n0.00,0.5000,0.5000\n"
        assertEquals(expected, history.toCsv())
    }
}
