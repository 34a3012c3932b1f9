package org.ferlarq.demo.live

import java.lang.management.ManagementFactory
import java.util.concurrent.Executor
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit
import org.ferlarq.demo.FakeClassifier
import org.ferlarq.demo.FakeDetector
import org.ferlarq.demo.Queue
import org.ferlarq.demo.asset
import org.ferlarq.demo.camera.Frame
import org.ferlarq.demo.greyFrame
import org.ferlarq.demo.inference.FaceAnalyzer
import org.ferlarq.demo.inference.ModelCard
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertSame
import org.junit.Assert.assertTrue
import org.junit.Test

class FramePipelineTest {
    private val detector = FakeDetector()
    private val classifier = FakeClassifier()
    private val analyzer = FaceAnalyzer(detector, classifier, ModelCard.of(asset("expressions.tflite")))
    private val readings = mutableListOf<LiveReading>()
    private val failures = mutableListOf<RuntimeException>()
    private val frame = Frame(::greyFrame)
    private var now = 1L

    private fun pipeline(
        executor: Executor,
        publish: (LiveReading) -> Unit = { readings.add(it) },
    ) = FramePipeline(analyzer, executor, { now }, publish, { failures.add(it) })

    @Test
    fun `frames that come while one is in work are dropped`() {
        val waiting = ArrayDeque<Runnable>()
        val pipeline = pipeline(waiting::add)
        assertTrue(pipeline.offer(frame))
        repeat(5) { assertFalse(pipeline.offer { error("a dropped frame is not even copied") }) }
        assertEquals(1, waiting.size)
        waiting.removeFirst().run()
        assertEquals(1, readings.size)
        assertTrue(pipeline.offer(frame))
    }

    @Test
    fun `a reading has the upright frame's size and the faces in it`() {
        detector.faces = listOf(floatArrayOf(0.2f, 0.2f, 0.2f), floatArrayOf(0.6f, 0.7f, 0.5f))
        pipeline(Runnable::run).offer(frame)
        val reading = readings.single()
        assertEquals(480 to 640, reading.width to reading.height)
        assertEquals(listOf(240, 96), reading.faces.map { it.box.size })
        assertEquals(1f, reading.faces[0].probabilities.sum(), 1e-6f)
        assertEquals(3, reading.faces[0].best)
    }

    @Test
    fun `bars move a part of the way with each frame, and start where a new face stands`() {
        val pipeline = pipeline(Runnable::run)
        pipeline.offer(frame)
        classifier.answer = classifier.answer.reversedArray()
        pipeline.offer(frame)
        val (before, after) = readings.map { it.faces.single().probabilities }
        for (i in before.indices) {
            val target = before[before.size - 1 - i]
            assertEquals(before[i] + 0.35f * (target - before[i]), after[i], 1e-6f)
        }
        detector.faces = listOf(floatArrayOf(0.1f, 1.1f, 0.2f)) // another face elsewhere
        pipeline.offer(frame)
        assertEquals(before[0], readings.last().faces.single().probabilities[6], 1e-6f)
    }

    @Test
    fun `a failing network is told once and ends the analysis`() {
        val pipeline = pipeline(Runnable::run)
        val failure = IllegalStateException("no memory")
        classifier.failure = failure
        pipeline.offer(frame)
        assertSame(failure, failures.single())
        assertFalse(pipeline.offer(frame))
    }

    @Test
    fun `a frame that cannot be copied is told once and ends the analysis`() {
        val pipeline = pipeline(Runnable::run)
        val failure = IllegalStateException("the system took the image back")
        assertFalse(pipeline.offer { throw failure })
        assertSame(failure, failures.single())
        assertFalse(pipeline.offer(frame))
    }

    @Test
    fun `a closed pipeline leaves the networks alone, even with a frame in work`() {
        val waiting = Queue()
        val pipeline = pipeline(waiting)
        pipeline.offer(frame)
        pipeline.close()
        analyzer.close()
        waiting.runAll() // the networks would complain
        assertEquals(0 to 0, readings.size to failures.size)
        assertFalse(pipeline.offer(frame))
    }

    @Test
    fun `ten thousand frames leave nothing behind and stop in order`() {
        val executor = Executors.newSingleThreadExecutor()
        val threads = ManagementFactory.getThreadMXBean() as com.sun.management.ThreadMXBean
        var published = 0
        var bytesAtStart = 0L
        var bytesAtEnd = 0L
        val pipeline = pipeline(executor) {
            published++
            val allocated = threads.getThreadAllocatedBytes(Thread.currentThread().id)
            if (published == WARM_UP) bytesAtStart = allocated
            if (published == FRAMES) bytesAtEnd = allocated
        }
        // The camera's pixels stay the same; filling them would take most of the time.
        val camera = Frame { it.reshape(640, 480, 640, rotation = 90) }
        var offered = 0
        var taken = 0
        while (taken < FRAMES) {
            now += 33_000_000
            offered++
            if (pipeline.offer(camera)) taken++ else Thread.onSpinWait()
        }
        executor.shutdown() // the frame in work is still finished
        assertTrue(executor.awaitTermination(60, TimeUnit.SECONDS))
        pipeline.close()
        assertEquals(FRAMES, published)
        assertEquals(FRAMES, classifier.calls)
        assertTrue("the test never met a busy pipeline", offered > taken)
        // Only the published reading is new: no frame, no face, no buffer.
        val bytesPerFrame = (bytesAtEnd - bytesAtStart) / (FRAMES - WARM_UP)
        assertTrue("$bytesPerFrame bytes a frame", bytesPerFrame < 600)
    }

    private companion object {
        const val FRAMES = 10_000
        const val WARM_UP = 1_000
    }
}
